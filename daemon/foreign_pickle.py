"""Deluge keeps its torrents as a pickle, which may name any code: read here without running any.

Only two names are known, and they stand for empty records; whatever else a pickle names ends it.
"""

import io
import pickle
from typing import NoReturn

ENTRIES_MAX = 100_000
_BROKEN = (  # what pickle raises on bytes that are none
    *(pickle.UnpicklingError, EOFError, ImportError, MemoryError, RecursionError),
    *(AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError),
)


class _Record:
    """In place of deluge's own classes: its attributes are what the pickle sets."""


class _Reader(pickle.Unpickler):  # its names are the two below, and none of them is code
    def find_class(self, module: str, name: str) -> type[_Record]:
        if (module, name) in _KNOWN:
            return _Record
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a list of torrents")

    def persistent_load(self, pid: object) -> NoReturn:
        raise pickle.UnpicklingError("a list of torrents has no persistent ids")


_KNOWN = {
    ("deluge.core.torrentmanager", "TorrentManagerState"),
    ("deluge.core.torrentmanager", "TorrentState"),
}


def read_deluge_state(data: bytes) -> list[dict[str, object]]:
    """The attributes of each torrent; [] for what is no such pickle."""
    try:
        state = _Reader(io.BytesIO(data)).load()
    except _BROKEN:
        return []
    torrents = getattr(state, "torrents", None)
    if not isinstance(torrents, list):
        return []
    return [vars(entry) for entry in torrents[:ENTRIES_MAX] if isinstance(entry, _Record)]
