"""What of all that happens to torrents is told in the journal, and when.

What was told is compared with what is so at every start, and whenever the data of a torrent was
looked at: what a kill kept back is told then. So each of these events is told at least once, and
after a quiet life exactly once.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from torrentd.daemon.control_lines import Json
from torrentd.daemon.journal import Event
from torrentd.daemon.known import Known
from torrentd.daemon.told import Told, ToldTorrent, ranges_text
from torrentd.daemon.witness import Happening
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.geometry import FileLayout
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.store.resume import ResumeState

FILES_TOLD_MAX = 1000  # a torrent with more is told as a whole: its files would fill the journal


class Tell(Protocol):
    """The journal's."""

    def __call__(self, event: str, **fields: Json) -> Event: ...


class Pieces(Protocol):
    """A torrent's swarm."""

    @property
    def is_complete(self) -> bool: ...
    @property
    def have(self) -> Bitfield: ...


class Files(Protocol):
    """A torrent's holding; `names` lie below `root`, and are empty for padding."""

    @property
    def names(self) -> Sequence[str]: ...
    @property
    def root(self) -> Path: ...


class Subject(Protocol):
    """A torrent, as far as it is told of."""

    infohash: InfoHash
    name: str
    info: Info | None
    paused: bool
    opened: bool

    @property
    def select(self) -> tuple[int, ...] | None: ...
    @property
    def heads_home(self) -> bool:
        """It moves first, and is done then."""

    @property
    def swarm(self) -> Pieces: ...
    @property
    def holding(self) -> Files: ...


class Telling:
    """The witness of a session; `told` is its own from now on."""

    def __init__(self, tell: Tell, told: Told, find: Callable[[InfoHash], Subject | None]) -> None:
        self._tell = tell
        self._told = told
        self._find = find
        self._in_trouble: set[InfoHash] = set()

    def start(self, subjects: Iterable[Subject], at_rest: Iterable[InfoHash]) -> None:
        """All that a kill kept back, of torrents that are here and of those that are not. Of those
        `at_rest` all is told."""
        here = {subject.infohash.hex(): subject for subject in subjects}
        resting = {infohash.hex() for infohash in at_rest}
        told = self._told.torrents
        for infohash in [gone for gone in told if gone not in here and gone not in resting]:
            self._told.hear(self._tell("removed", infohash=infohash))
        for subject in here.values():
            self._look(subject)

    def has_told(self, record: ResumeState) -> bool:
        """Is all told of a torrent that is complete by its record?"""
        told = self._told.torrents.get(record.infohash.hex())
        return told == ToldTorrent(metadata=True, done=True, paused=record.paused)

    def happened(self, happening: Happening) -> None:
        if happening.kind == "removed":
            self._removed(happening)
            return
        subject = self._find(happening.infohash)
        if subject is None:
            return
        match happening.kind:
            case "error":
                self._in_trouble.add(subject.infohash)
                self._about(subject, "error", cause=happening.detail)
            case "recovered" if subject.infohash in self._in_trouble:
                self._in_trouble.remove(subject.infohash)
                self._about(subject, "recovered")
            case "file-done":
                self._file_done(subject, happening.detail)
            case _:
                self._look(subject, happening.detail)

    def looked_at(self, infohash: InfoHash) -> None:
        subject = self._find(infohash)
        if subject is not None:
            self._look(subject)

    def _look(self, subject: Subject, reason: str = "") -> None:
        """All that is so and was not told; `reason` is that of a pause."""
        infohash = subject.infohash.hex()
        if infohash not in self._told.torrents:
            self._about(subject, "added", dir=str(subject.holding.root))
        told = self._told.torrents[infohash]
        info = subject.info
        if info is not None and not told.metadata:
            self._about(subject, "metadata", size_bytes=info.total_bytes, files=len(info.files))
        if info is not None and subject.opened:
            self._look_at_data(subject, info, told)
        if told.paused != subject.paused:
            why: dict[str, Json] = {"cause": reason} if reason and subject.paused else {}
            self._about(subject, "paused" if subject.paused else "resumed", **why)

    def _look_at_data(self, subject: Subject, info: Info, told: ToldTorrent) -> None:
        if subject.swarm.is_complete:
            if not told.done and not subject.heads_home:
                where = str(subject.holding.root)
                self._about(subject, "done", dir=where, size_bytes=info.total_bytes)
            return
        whole = _files_whole(subject, info)
        if told.done:
            self._about(subject, "incomplete", files_done=ranges_text(whole))
        for file_index in sorted(whole - told.files):
            self._about_file(subject, file_index)

    def _file_done(self, subject: Subject, path: str) -> None:
        if not _is_told_by_file(subject.info):
            return
        file_index = subject.holding.names.index(path)
        if file_index not in self._told.torrents[subject.infohash.hex()].files:
            self._about_file(subject, file_index)

    def _about_file(self, subject: Subject, file_index: int) -> None:
        if subject.select is None or file_index in subject.select:
            path = str(subject.holding.root / subject.holding.names[file_index])
            self._about(subject, "file-done", file=file_index, path=path)

    def _removed(self, happening: Happening) -> None:
        self._in_trouble.discard(happening.infohash)
        fate: dict[str, Json] = {
            "data": happening.detail != "stays",
            "trash": happening.detail == "trashed",
        }
        infohash = happening.infohash.hex()
        self._told.hear(self._tell("removed", infohash=infohash, name=happening.name, **fate))

    def _about(self, subject: Subject, event: str, **fields: Json) -> None:
        infohash = subject.infohash.hex()
        self._told.hear(self._tell(event, infohash=infohash, name=subject.name, **fields))


def told_before(torrents: Iterable[Known | ResumeState]) -> Told:
    """What counts as told where there has been no journal yet: all that is on record."""
    told = Told()
    for known in torrents:
        if isinstance(known, ResumeState):  # it rests
            told.torrents[known.infohash.hex()] = ToldTorrent(True, True, known.paused)
            continue
        state = known.state
        had = Bitfield.from_bytes(state.have, state.piece_count) if state.piece_count else None
        told.torrents[state.infohash.hex()] = ToldTorrent(
            metadata=known.info is not None,
            done=had is not None and had.all(),
            paused=state.paused,
        )
    return told


def _is_told_by_file(info: Info | None) -> bool:
    """A single file is told of as the torrent."""
    return info is not None and info.multi_file and len(info.files) <= FILES_TOLD_MAX


def _files_whole(subject: Subject, info: Info) -> set[int]:
    """Those that are wanted and are no padding."""
    if not _is_told_by_file(info):
        return set()
    layout, have = (
        FileLayout(info.geometry, [file.length for file in info.files]),
        subject.swarm.have,
    )
    return {
        index
        for index, name in enumerate(subject.holding.names)
        if name
        and layout.lengths[index]
        and (subject.select is None or index in subject.select)
        and all(have[piece] for piece in layout.pieces_of_file(index))
    }
