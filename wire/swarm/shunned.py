"""Hosts to leave alone until a time (security R1, X3). No BEP applies."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Shunned:
    """Of too many, the oldest are forgotten."""

    entries_max: int
    until: dict[bytes, float] = field(default_factory=dict)

    def add(self, key: bytes, until: float) -> None:
        self.until.pop(key, None)
        self.until[key] = until
        if len(self.until) > self.entries_max:
            del self.until[next(iter(self.until))]

    def forget_after(self, until: float) -> None:
        """Those that were to be left alone until then or later."""
        self.until = {key: at for key, at in self.until.items() if at < until}

    def holds(self, key: bytes, now: float) -> bool:
        until = self.until.get(key)
        return until is not None and now < until
