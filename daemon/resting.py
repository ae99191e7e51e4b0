"""A torrent at rest: complete, and nobody is there who wants it.

Its record and its metadata lie in the state folder, its data where it is; in memory is only what
`status` tells. Whoever asks for more wakes it (rest).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sys import intern

from torrentd.config.rules import Quantity
from torrentd.daemon.control_lines import Written
from torrentd.daemon.stages import Stages
from torrentd.daemon.status import TorrentState
from torrentd.dht.outputs import ScrapeEnded
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.files import look_at
from torrentd.wire.store.options import TorrentOptions
from torrentd.wire.store.resume import ResumeState
from torrentd.wire.swarm.quota import UploadQuota


@dataclass(slots=True, frozen=True)
class Kept:
    """What was so in this run and is on no record; all of it is handed back at the wake."""

    announce_at: float | None = None
    stages: Stages | None = None
    quota: UploadQuota | None = None
    wasted_bytes: int = 0
    rule_limit_bytes_per_s: int = 0  # see Wishes


NOTHING_KEPT = Kept()


@dataclass(slots=True)
class Resting:
    """`believed`: its files look as they did when its record was written. Until that is known it is
    being checked. `proven`: its metadata is what its infohash says, which is looked at before it is
    announced for the first time."""

    infohash: InfoHash
    name: str
    paused: bool
    record: ResumeState  # without what grows with the torrent
    believed: bool
    proven: bool
    is_partial: bool = False  # files of it are not wanted (BEP 21)
    kept: Kept = NOTHING_KEPT
    # What `status` tells of it, and of what: whether it is believed, and how many were counted.
    written: tuple[bool, ScrapeEnded | None, Written] | None = None

    @property
    def state(self) -> TorrentState:
        if self.paused:
            return "paused"
        return "seeding" if self.believed else "checking"

    @property
    def options(self) -> TorrentOptions:
        """What the user wants of it."""
        return self.record.options

    @property
    def labels(self) -> tuple[str, ...]:
        return self.options.labels


def rested(record: ResumeState, kept: Kept | None = None) -> Resting:
    """The torrent of this record, which must be complete. `kept`: of one that was awake, so that
    nothing is left to be looked at."""
    assert record.complete_bytes
    folder = intern(record.download_dir)  # that of thousands
    light = replace(
        record, download_dir=folder, magnet="", select=None, have=b"", names=(), stamps=()
    )
    seen = kept is not None
    return Resting(
        record.infohash,
        record.name,
        record.paused,
        light,
        believed=seen,
        proven=seen,
        is_partial=not _has_all(record),
        kept=kept or NOTHING_KEPT,
    )


def may_rest(record: ResumeState) -> bool:
    """Does it claim every piece that is wanted, and say how the files looked? A selection must be
    believed to have been complete; all of a torrent can be counted."""
    if record.moving_to is not None or record.moved_from is not None or record.options.final_dir:
        return False
    if not record.complete_bytes or not record.names or len(record.stamps) != len(record.names):
        return False
    return record.select is not None or _has_all(record)


def looks_the_same(record: ResumeState) -> bool:
    """Are its files as they were when the record was written? Blocking; no file is opened."""
    try:
        return look_at(Path(record.download_dir), record.names) == list(record.stamps)
    except StoreError:
        return False  # whoever opens it will say why


def measured(
    record: ResumeState, size_bytes: int, counted: ScrapeEnded | None, wall: float
) -> dict[Quantity, float]:
    """What seeding rules look at, as far as it is known; `wall` in seconds since 1970."""
    found: dict[Quantity, float] = {
        "ratio": record.uploaded_bytes / size_bytes if size_bytes else 0.0,
        "seeding": max(wall - (record.done_at or record.added_at), 0.0),
        "uploaded": record.uploaded_bytes,
    }
    if counted is not None:
        found |= {"seeds": counted.seeds, "peers": counted.peers}
    return found


def roots(download_dir: str, names: Sequence[str]) -> list[str]:
    """What a torrent with files of these names claims (path_claims)."""
    return list(dict.fromkeys(f"{download_dir}/{name.partition('/')[0]}" for name in names if name))


def _has_all(record: ResumeState) -> bool:
    return int.from_bytes(record.have).bit_count() == record.piece_count
