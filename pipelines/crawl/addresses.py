"""Which network addresses a crawler must not be led to (server-side request forgery)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address that is reached
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 2.5.5.1, deprecated, yet some stacks still map it


def is_address(host: str) -> bool:
    """Whether a host is written as an IPv4 or IPv6 address, and needs no look-up."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def refusal(address: str, allow_private: bool) -> str | None:
    """Why `address` is not connected to; null where it may be.

    One of private, loopback, link_local, multicast, reserved, unspecified, syntax. `allow_private` lets loopback and
    private networks through, never link-local (cloud metadata services live there), multicast or reserved ones. An
    IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4, Teredo) is judged by that one.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return "syntax"
    inner = _embedded(ip) if isinstance(ip, IPv6Address) else None
    if inner is not None:
        return _class(inner, allow_private)
    return _class(ip, allow_private)


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to `ip` ends at."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if ip in _NAT64 or (ip in _COMPATIBLE and int(ip) > 0xFFFF):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


def _class(ip: IPv4Address | IPv6Address, allow_private: bool) -> str | None:
    if ip.is_unspecified:
        return "unspecified"
    if ip.is_loopback:
        return None if allow_private else "loopback"
    if ip.is_link_local:
        return "link_local"
    if ip.is_multicast:
        return "multicast"
    if ip.is_reserved:
        return "reserved"
    if not ip.is_global:
        return None if allow_private else "private"
    return None
