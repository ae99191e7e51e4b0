"""How far a magnet has come since it began, and how long each stage took."""

from itertools import pairwise
from typing import Final

from torrentd.daemon.status import MagnetStage

# As a magnet passes them: a DHT node that answers, a peer that is known, a handshake, the metadata.
STAGES: Final[tuple[MagnetStage, ...]] = ("dht", "peers", "handshakes", "metadata")


class Stages:
    """A stage that was passed stays passed, whatever is lost later."""

    def __init__(self, now: float) -> None:
        self.began_at: Final = now
        self._passed_at: list[float] = []  # of each stage in turn

    @property
    def present(self) -> MagnetStage | None:
        """The stage it is in; None: the metadata is here."""
        count = len(self._passed_at)
        return STAGES[count] if count < len(STAGES) else None

    def passed(self, stage: MagnetStage, now: float) -> None:
        """It is over, and with it all before it: whoever shook hands was known."""
        missing = STAGES.index(stage) + 1 - len(self._passed_at)
        self._passed_at += [now] * missing

    def seconds(self, now: float) -> dict[MagnetStage, float]:
        """What each took; the present one is told so far."""
        moments = [self.began_at, *self._passed_at]
        if self.present is not None:
            moments.append(now)
        spans = pairwise(moments)
        return {
            stage: round(until - since, 3)
            for stage, (since, until) in zip(STAGES, spans, strict=False)
        }
