"""When a seed has given enough: `when ratio > 2 and seeds > 5: pause`. Imports nothing of ours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Quantity = Literal["ratio", "seeds", "peers", "seeding", "uploaded"]
Deed = Literal["limit", "pause", "remove"]

_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_TIMES_S = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_CONDITION = re.compile(r"([a-z]+) ?(>=|<=|>|<) ?(\S.*)")
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([KMGT])(?:iB)?")
_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?([mhdw])")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_RIGHT = {
    "ratio": "a number, as in ratio > 2",
    "seeds": "a number, as in seeds > 5",
    "peers": "a number, as in peers < 3",
    "seeding": "a time, as in seeding > 12h or seeding > 14d",
    "uploaded": "a size, as in uploaded > 20G",
}
CONDITIONS_MAX = 10


@dataclass(frozen=True, slots=True)
class Condition:
    """`number` is in seconds, bytes, or of nothing."""

    quantity: Quantity
    sign: str
    number: float

    def holds(self, measured: Mapping[Quantity, float]) -> bool:
        """False for what is not known."""
        value = measured.get(self.quantity)
        if value is None:
            return False
        if self.sign.startswith(">"):
            return value > self.number or (self.sign == ">=" and value == self.number)
        return value < self.number or (self.sign == "<=" and value == self.number)


@dataclass(frozen=True, slots=True)
class Rule:
    """`text` is as it was written. `limit_bytes_per_s` of an upload, where that is the deed."""

    text: str
    conditions: tuple[Condition, ...]
    deed: Deed
    limit_bytes_per_s: int = 0

    def holds(self, measured: Mapping[Quantity, float]) -> bool:
        """All of it, at once."""
        return all(condition.holds(measured) for condition in self.conditions)


def parse_rule(text: str) -> Rule:
    """Raises ValueError with a reason."""
    before, colon, after = text.strip().rpartition(":")
    if not colon:
        raise ValueError("it needs a colon and what to do, as in when ratio > 2: pause")
    conditions = " ".join(before.split()).removeprefix("when ")
    parts = conditions.split(" and ")
    if len(parts) > CONDITIONS_MAX:
        raise ValueError(f"it has more than {CONDITIONS_MAX} conditions")
    deed, limit = _deed(" ".join(after.split()))
    return Rule(text.strip(), tuple(map(_condition, parts)), deed, limit)


def size_of(text: str) -> int | None:
    """`500K`, `500 KiB`, `1.5G` in bytes; None for anything else."""
    match = _SIZE.fullmatch(text)
    return int(float(match[1]) * _UNITS[match[2]]) if match else None


def _condition(text: str) -> Condition:
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text.strip()[:60]!r} is no condition; ratio > 2 is one")
    quantity: Quantity
    match match[1]:
        case "ratio" | "seeds" | "peers" | "seeding" | "uploaded" as known:
            quantity = known
        case unknown:
            raise ValueError(f"{unknown[:60]!r} is none of {', '.join(_RIGHT)}")
    number = _number(quantity, match[3].strip())
    if number is None:
        raise ValueError(f"{match[3][:60]!r} is not right for {quantity}: {_RIGHT[quantity]}")
    return Condition(quantity, match[2], number)


def _number(quantity: Quantity, text: str) -> float | None:
    if quantity == "uploaded":
        return size_of(text)
    if quantity == "seeding":
        time = _TIME.fullmatch(text)
        return float(time[1]) * _TIMES_S[time[2]] if time else None
    return float(text) if _NUMBER.fullmatch(text) else None


def _deed(text: str) -> tuple[Deed, int]:
    match text.partition(" "):
        case ("pause", "", ""):
            return "pause", 0
        case ("remove", "", ""):
            return "remove", 0
        case ("limit", " ", rate) if limit := size_of(rate.removesuffix("/s")):
            return "limit", limit
    raise ValueError(f"{text[:60]!r} cannot be done; pause, remove and limit 100K can")
