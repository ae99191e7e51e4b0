"""Rates as pictures of block characters, and the samples they are drawn from."""

from collections import deque
from collections.abc import Iterable, Sequence

from torrentd.daemon.ctl.document import Document

BLOCKS = "▁▂▃▄▅▆▇█"
SAMPLES_MAX = 300  # five minutes, a sample a second; no terminal is much wider
HISTORIES_MAX = 500  # torrents; of the others it begins when they are looked at

Sample = tuple[int, int]  # bytes a second, down and up


def sparkline(values: Sequence[float], width: int) -> str:
    """The last `width` values, the newest at the right; "" when nothing was ever there."""
    shown = values[-width:] if width > 0 else []
    top = max(shown, default=0)
    if top <= 0:
        return ""
    return "".join(_block(value / top) for value in shown).rjust(width)


def graph(values: Sequence[float], width: int, height: int) -> list[str]:
    """The same over `height` lines, from the top down; what is not zero is never blank."""
    shown = values[-width:] if width > 0 else []
    top = max(shown, default=0)
    full = height * len(BLOCKS)
    filled = [max(1, round(value / top * full)) if value > 0 else 0 for value in shown]
    lines = []
    for line in reversed(range(height)):
        low = line * len(BLOCKS)
        lines.append("".join(_cell(eighths - low) for eighths in filled).rjust(max(width, 0)))
    return lines


class Histories:
    """The rates of torrents that move, each as long as the screen has seen it."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[Sample]] = {}

    def note(self, key: str, document: Document) -> None:
        """A second has passed. Those who never moved, and all beyond a limit, cost nothing."""
        sample = _sample(document)
        samples = self._samples.get(key)
        if samples is None:
            if not any(sample):
                return
            if len(self._samples) >= HISTORIES_MAX:
                self._forget_one()
            samples = self._samples[key] = deque(maxlen=SAMPLES_MAX)
        samples.append(sample)
        if not any(sample) and not any(map(any, samples)):
            del self._samples[key]

    def down(self, key: str) -> list[int]:
        return [down for down, _ in self._samples.get(key, ())]

    def up(self, key: str) -> list[int]:
        return [up for _, up in self._samples.get(key, ())]

    def both(self, key: str) -> list[int]:
        return [down + up for down, up in self._samples.get(key, ())]

    def keep(self, keys: Iterable[str]) -> None:
        """Torrents that are gone are forgotten."""
        there = set(keys)
        self._samples = {key: samples for key, samples in self._samples.items() if key in there}

    def _forget_one(self) -> None:
        """The one that came first."""
        del self._samples[next(iter(self._samples))]


def _sample(document: Document) -> Sample:
    return (
        document.integer("download_rate_bytes_per_s"),
        document.integer("upload_rate_bytes_per_s"),
    )


def _block(share: float) -> str:
    return BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)]


def _cell(eighths: int) -> str:
    return " " if eighths <= 0 else BLOCKS[min(eighths, len(BLOCKS)) - 1]
