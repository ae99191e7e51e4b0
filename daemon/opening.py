"""A torrent's data as it is found: names, stamps, and hashes where stamps say too little.

Blocking; runs in threads. Pieces of files that look as they did at the last sync are believed;
all else that is there is hashed. Whatever stands where the torrent's files should be and holds
nothing of them is left alone (F9), and a folder that has lost everything is not filled anew (F7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.files import FileStamp, FileStore
from torrentd.wire.store.open_files import OpenFiles
from torrentd.wire.store.paths import safe_names
from torrentd.wire.store.verify import Check, data_missing, trusted_pieces


@dataclass(slots=True)
class Remembered:
    """What the record of an earlier run says; nothing of it for a new torrent."""

    names: Sequence[str] | None = None
    have: Bitfield | None = None
    stamps: Sequence[FileStamp | None] = ()


@dataclass(slots=True)
class Opened:
    """`check` is still to run when not all could be believed; then `finish` tells the rest."""

    store: FileStore
    have: Bitfield
    check: Check | None


@dataclass(slots=True)
class Unusable:
    """Why the data cannot be used as it is: a sentence for people."""

    reason: str


def open_store(
    info: Info,
    infohash: InfoHash,
    root: Path,
    remembered: Remembered,
    open_files: OpenFiles,
) -> Opened | Unusable:
    """Everything but the hashing."""
    try:
        names = remembered.names or safe_names(info, infohash)
        store = FileStore(info, root, names, open_files)
        found = store.stamps()
        if data_missing(remembered.stamps, found):
            return Unusable(
                f"the data in {root} is gone; mount it again, "
                "or let `torrentctl verify` accept the loss"
            )
        store.prepare()
        have = Bitfield(info.geometry.piece_count)
        if remembered.have is not None:
            have = trusted_pieces(remembered.have, store.layout, remembered.stamps, found)
        if not any(found) or found == list(remembered.stamps):
            return Opened(store, have, None)
        return Opened(store, have, Check(store, trusted=have))
    except (StoreError, MetainfoError) as error:
        return Unusable(str(error))


def too_many_files(info: Info, files_max: int) -> str:
    """The sentence."""
    return f"the torrent has {len(info.files)} files, and limits.files_max is {files_max}"


def run_check(check: Check) -> str | None:
    """Hash until the end, or until somebody calls `check.stop`; what went wrong."""
    try:
        check.run()
    except StoreError as error:
        return str(error)
    return None


def finish_check(opened: Opened, remembered: Remembered) -> Opened | Unusable:
    """What the check found, unless it found somebody else's files at the names of a new torrent."""
    check = opened.check
    assert check is not None
    foreign = check.foreign_files() if remembered.have is None else []
    if foreign:
        return Unusable(
            f"{opened.store.root / foreign[0]} is there and holds nothing of this torrent; "
            "move it away or choose another folder"
        )
    try:
        opened.store.sync_found()  # only then may it go on record (F2)
    except StoreError as error:
        return Unusable(str(error))
    return Opened(opened.store, check.have, None)
