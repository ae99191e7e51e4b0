"""What a torrent is made of, at an add or at a start."""

from dataclasses import dataclass, field

from torrentd.daemon.opening import Remembered
from torrentd.daemon.resting import Kept
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.store.resume import ResumeState


@dataclass(slots=True)
class Known:
    """`info` and `metadata` come together, or later, or never."""

    state: ResumeState
    info: Info | None = None
    metadata: bytes | None = None
    on_record: bool = False  # `state` was read from the state folder
    doubtful: bool = False  # and not from its newest generation
    kept: Kept = field(default_factory=Kept)  # while it was at rest


def display_name(info: Info) -> str:
    """The torrent's own name for itself, readable whatever bytes it is made of."""
    return info.name.decode("utf-8", "replace")


def remembered(known: Known) -> Remembered:
    """With names on record the files are ours; pieces of an old record need a check."""
    state = known.state
    if not state.names:
        return Remembered()
    have = Bitfield.from_bytes(state.have, state.piece_count)
    return Remembered(state.names, have, () if known.doubtful else state.stamps)
