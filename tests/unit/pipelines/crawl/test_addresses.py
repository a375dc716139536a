import pytest

from pipelines.crawl.addresses import is_address, refusal

REFUSED = {
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "10.1.2.3": "private",
    "172.16.0.1": "private",
    "192.168.1.1": "private",
    "100.64.0.1": "private",
    "198.18.0.1": "private",
    "169.254.169.254": "link_local",
    "224.0.0.1": "multicast",
    "255.255.255.255": "reserved",
    "0.0.0.0": "unspecified",
    "0.1.2.3": "private",
    "::1": "loopback",
    "::": "unspecified",
    "fc00::1": "private",
    "fe80::1": "link_local",
    "fe80::1%eth0": "link_local",
    "ff02::1": "multicast",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:a9fe:a9fe": "link_local",
    "::127.0.0.1": "loopback",
    "64:ff9b::10.0.0.1": "private",
    "64:ff9b:1::1": "reserved",
    "2002:7f00:1::": "loopback",
    "2001:db8::1": "private",
    "not an address": "syntax",
}


@pytest.mark.parametrize("address", REFUSED)
def test_refuses(address: str) -> None:
    assert refusal(address, allow_private=False) == REFUSED[address]


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822", "::ffff:8.8.8.8"])
def test_lets_public_addresses_through(address: str) -> None:
    assert refusal(address, allow_private=False) is None


def test_permission_covers_loopback_and_private_networks_only() -> None:
    allowed = {a for a in REFUSED if refusal(a, allow_private=True) is None}
    assert allowed == {a for a, why in REFUSED.items() if why in ("loopback", "private")}


def test_hosts_that_need_no_look_up() -> None:
    assert [is_address(host) for host in ("127.0.0.1", "::1", "fe80::1", "example.org", "127.1", "1", "")] == [
        *[True] * 3, *[False] * 4,
    ]  # fmt: skip
