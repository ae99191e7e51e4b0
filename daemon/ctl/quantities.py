"""Sizes, rates and times as people read them; powers of 1024."""

_UNITS = "KMGTPE"
_DAY_S = 86400


def size(count_bytes: float) -> str:
    """`742 B`, `1.23 GiB`: at most 8 characters."""
    if count_bytes < 1000:
        return f"{count_bytes:.0f} B"
    number, unit = _scaled(count_bytes)
    return f"{_three_digits(number)} {unit}iB"


def short_size(count_bytes: float) -> str:
    """`742`, `1.2G`, `999M`: at most 5 characters, for a table."""
    if count_bytes < 1000:
        return f"{count_bytes:.0f}"
    number, unit = _scaled(count_bytes)
    return f"{number:.1f}{unit}" if number < 99.95 else f"{number:.0f}{unit}"


def rate(bytes_per_s: float) -> str:
    """`12.3 MiB/s`: at most 10 characters."""
    return f"{size(bytes_per_s)}/s"


def duration(seconds: float) -> str:
    """`45s`, `12m05s`, `3h12m`, `12d03h`: at most 6 characters."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < _DAY_S:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    if whole < 100 * _DAY_S:
        return f"{whole // _DAY_S}d{whole % _DAY_S // 3600:02}h"
    return ">99d"


def seconds(count_s: float) -> str:
    """`0.4s`, `12s`, `12m05s`: at most 6 characters, tenths where they matter."""
    return f"{count_s:.1f}s" if count_s < 9.95 else duration(count_s + 0.5)


def milliseconds(seconds: float) -> str:
    """`8 ms`, `1840 ms`: at most 7 characters below 10 s."""
    return f"{seconds * 1000:.0f} ms"


def percent(share: float) -> str:
    """Rounded down, so that 100% means all of it: at most 5 characters."""
    tenths = int(min(max(share, 0.0), 1.0) * 1000)
    return "100%" if tenths == 1000 else f"{tenths / 10:.1f}%"


def _scaled(count_bytes: float) -> tuple[float, str]:
    number, unit = count_bytes / 1024, 0
    while number >= 999.5 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return number, _UNITS[unit]


def _three_digits(number: float) -> str:
    if number < 9.995:
        return f"{number:.2f}"
    return f"{number:.1f}" if number < 99.95 else f"{number:.0f}"
