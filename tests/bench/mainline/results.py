"""What one client did with its magnets, and the table of all of them."""

from dataclasses import dataclass
from statistics import median
from typing import Final

GOAL_S: Final = 30.0  # a magnet that takes longer has failed


@dataclass
class Magnet:
    """One magnet: seconds since the add to the first values, to the dial of the first peer and to
    the metadata, None where that did not come to be; and the get_peers queries for it."""

    values_s: float | None
    peer_s: float | None
    metadata_s: float | None
    queries: int


@dataclass
class Series:
    """The magnets of one client, one after the other."""

    client: str
    state: str  # cold: nothing is known at the add; warm: a filled table
    magnets: list[Magnet]
    start_datagrams: int = 0  # of a warm client, sent before its first magnet

    @property
    def failures(self) -> int:
        return sum(m.metadata_s is None or m.metadata_s > GOAL_S for m in self.magnets)


def p90(values: list[float]) -> float:
    return sorted(values)[min(int(0.9 * len(values)), len(values) - 1)]


def known(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None] or [float("nan")]


@dataclass
class Figures:
    """Median and p90 of each."""

    values_s: tuple[float, float]
    peer_s: tuple[float, float]
    metadata_s: tuple[float, float]
    queries: tuple[float, float]


def figures(series: Series) -> Figures:
    values = known([m.values_s for m in series.magnets])
    peer = known([m.peer_s for m in series.magnets])
    metadata = known([m.metadata_s for m in series.magnets])
    queries = [float(m.queries) for m in series.magnets]
    return Figures(*((median(column), p90(column)) for column in (values, peer, metadata, queries)))


HEADER: Final = (
    "client        state magnets   values s       peer s         metadata s     queries      "
    "x libtorrent (metadata; queries)  failed"
)


def line(series: Series, base: Figures | None) -> str:
    own = figures(series)
    columns = [
        f"{pair[0]:6.2f} {pair[1]:6.2f} " for pair in (own.values_s, own.peer_s, own.metadata_s)
    ]
    queries = f"{own.queries[0]:6.0f} {own.queries[1]:4.0f}"
    ratios = " " * 32
    if base is not None:
        metadata = [a / b for a, b in zip(own.metadata_s, base.metadata_s, strict=True)]
        ratio = own.queries[0] / base.queries[0]
        ratios = f"{metadata[0]:12.2f} {metadata[1]:5.2f};{ratio:8.2f}     "
    return (
        f"{series.client:13} {series.state} {len(series.magnets):7} {' '.join(columns)}"
        f"{queries}  {ratios} {series.failures:6}"
    )


def report(all_series: list[Series]) -> str:
    """Medians and p90; the ratios are to libtorrent in the same state."""
    bases = {s.state: figures(s) for s in all_series if s.client == "libtorrent"}
    lines = [HEADER, "                                median p90   median p90    median p90"]
    lines += [line(series, bases.get(series.state)) for series in all_series]
    warm = [s for s in all_series if s.state == "warm"]
    lines += [
        f"{s.client} had sent {s.start_datagrams} datagrams before its first warm magnet"
        for s in warm
    ]
    return "\n".join(lines)
