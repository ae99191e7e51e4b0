"""What the state folder holds: every torrent at a start, later the one that wakes. Blocking."""

from collections.abc import Iterable

from torrentd.daemon.known import Known
from torrentd.daemon.logs import get_logger
from torrentd.daemon.resting import may_rest
from torrentd.daemon.state_dir import StateDir
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import decode_info
from torrentd.wire.store import resume
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.resume import ResumeState

log = get_logger("session")


def load_torrents(state: StateDir, infohashes: Iterable[InfoHash]) -> list[Known | ResumeState]:
    """Only the record of a torrent that is complete by it. What cannot be read is told and left
    where it is."""
    found: list[Known | ResumeState] = []
    for infohash in infohashes:
        loaded = _load(state, infohash)
        if loaded is None or loaded.state is None:
            continue
        if not loaded.recovered and may_rest(loaded.state) and state.has_metadata(infohash):
            found.append(loaded.state)
        else:
            found.append(_with_metadata(state, loaded))
    return found


def load_torrent(state: StateDir, infohash: InfoHash) -> Known | None:
    """All that is on record of one."""
    loaded = _load(state, infohash)
    return _with_metadata(state, loaded) if loaded is not None else None


def _load(state: StateDir, infohash: InfoHash) -> resume.Loaded | None:
    try:
        loaded = resume.load(state.resume_path(infohash))
    except StoreError as error:
        log.error("torrent not loaded", torrent=infohash.hex(), cause=str(error))
        return None
    for path in loaded.set_aside:
        log.error("state file was damaged and set aside", path=str(path))
    if loaded.state is None or loaded.state.infohash != infohash:
        log.error("torrent not loaded", torrent=infohash.hex(), cause="no good record of it")
        return None
    return loaded


def _with_metadata(state: StateDir, loaded: resume.Loaded) -> Known:
    assert loaded.state is not None
    known = Known(loaded.state, on_record=True, doubtful=loaded.recovered)
    try:
        metadata = state.load_metadata(loaded.state.infohash)
        if metadata is not None:
            known.info = decode_info(metadata)
            known.metadata = metadata
    except (StoreError, MetainfoError) as error:
        log.error("metadata not loaded", torrent=loaded.state.infohash.hex(), cause=str(error))
    return known
