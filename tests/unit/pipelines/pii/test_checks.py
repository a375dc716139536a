import pytest

from pipelines.pii import checks


@pytest.mark.req("PII-03")
@pytest.mark.parametrize(("number", "valid"), [
    ("11010519491231002X", True),  # the example of GB 11643-1999
    ("440524188001010014", False),  # its second one, born in 1880: out of range today
    ("110105194912310021", False),
    ("110105194902300024", False),  # 30 February
    ("99010519491231002X", False),  # no such province
    ("11010519491231002", False),
])  # fmt: skip
def test_resident_id(number: str, valid: bool) -> None:
    assert checks.is_resident_id(number) is valid


def test_old_resident_id() -> None:
    assert checks.is_old_resident_id("110105491231002")
    assert not checks.is_old_resident_id("110105491331002")


@pytest.mark.parametrize(("number", "valid"), [
    ("79927398713", True), ("79927398710", False), ("4111111111111111", True), ("378282246310005", True),
])  # fmt: skip
def test_luhn(number: str, valid: bool) -> None:
    assert checks.luhn(number) is valid


@pytest.mark.parametrize(("number", "valid"), [
    ("4111111111111111", True), ("378282246310005", True), ("5555555555554444", True), ("6222021234567890128", True),
    ("9111111111111111", False), ("411111111111111", False), ("2221000000000009", True), ("2220000000000000", False),
])  # fmt: skip
def test_issuers(number: str, valid: bool) -> None:
    assert checks.issued(number) is valid


@pytest.mark.parametrize(("number", "valid"), [
    ("GB29NWBK60161331926819", True), ("DE89370400440532013000", True), ("DE89370400440532013001", False),
    ("DE8937040044053201300", False), ("XX29NWBK60161331926819", False),
])  # fmt: skip
def test_iban(number: str, valid: bool) -> None:
    assert checks.is_iban(number) is valid


@pytest.mark.parametrize(("text", "valid"), [
    ("8.8.8.8", True), ("127.0.0.1", False), ("0.0.0.0", False), ("255.255.255.0", False), ("300.1.1.1", False),
    ("2400:3200::1", True), ("2001:db8::1", False), ("::1", False), ("10.1.2.3", False),
    ("192.168.1.77", False), ("203.0.113.5", False), ("224.0.0.1", False),
])  # fmt: skip
def test_addresses_that_can_be_somebodys(text: str, valid: bool) -> None:
    assert (checks.ip_address(text) is not None) is valid
