"""Figures as a reader sees them: thousands separators, true minus signs, and a reason where there is no figure."""

from __future__ import annotations

from pipelines.report.facts import Missing

_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))


def number(value: float | Missing) -> str:
    """`12,431`, `−0.25`; at most four decimals, or four significant digits below 0.001."""
    if isinstance(value, Missing):
        return missing(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}".replace("-", "−")
    if abs(value) < 0.001:
        return f"{value:.4g}".replace("-", "−")
    return f"{value:,.4f}".rstrip("0").rstrip(".").replace("-", "−")


def compact(value: float | Missing) -> str:
    """For headlines: exact below ten million, `1.23 billion` above."""
    if isinstance(value, Missing):
        return missing(value)
    if abs(value) >= 10**16:
        return f"{value:.2e}".replace("e+", " × 10^").replace("-", "−")
    if abs(value) >= 10**7:
        for scale, name in _SCALES:
            if abs(value) >= scale:
                return f"{value / scale:,.2f} {name}".replace("-", "−")
    return number(value)


def signed(value: int | Missing) -> str:
    """`+312`, `−18`, `0`."""
    if isinstance(value, Missing):
        return missing(value)
    return f"{'+' if value > 0 else ''}{number(value)}"


def share(value: float | Missing) -> str:
    """A fraction of 1 as a percentage with one decimal; never rounded to 0% or 100% unless it is that."""
    if isinstance(value, Missing):
        return missing(value)
    if 0 < value < 0.001:
        return "<0.1%"
    if 0.999 < value < 1:
        return ">99.9%"
    return f"{value * 100:.1f}".replace(".0", "").replace("-", "−") + "%"


def size(value: int | Missing) -> str:
    """Bytes in decimal units: `1.24 GB`."""
    if isinstance(value, Missing):
        return missing(value)
    for scale, name in ((10**15, "PB"), (10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if value >= scale:
            return f"{value / scale:,.2f} {name}"
    return f"{value:,} bytes"


def plural(value: int, noun: str) -> str:
    """`1 document`, `2 documents`."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def missing(value: Missing) -> str:
    return f"not measured: {value.not_measured}"
