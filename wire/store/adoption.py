"""Data that is here already, under whatever names: found by size, proven by piece hash (BEP 3).

A file is taken whose every piece within it has the hash that it must have; one without a piece of
its own when a piece that it shares with its neighbours has. Nothing is believed for its name. Links
are not followed. Blocking; reads all that it proves.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice, product
from pathlib import Path

from torrentd.wire.formats.geometry import FileLayout, FileSpan
from torrentd.wire.formats.metainfo import Info

ENTRIES_MAX = 2_000_000  # looked at below all folders
DEPTH_MAX = 100
CANDIDATES_MAX = 20  # of one size, for one file
COMBINATIONS_MAX = 64  # of candidates, for one piece
READ_BYTES = 1024 * 1024
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


@dataclass(slots=True)
class Adopted:
    """A file of the torrent, and where its data is. `whole`: every piece of it was proven, also
    those that it shares, so that nothing will ever be written to it."""

    file_index: int
    source: Path
    whole: bool


class Search:
    """Of one torrent; `names` are its safe names, empty for padding."""

    def __init__(self, info: Info, names: Sequence[str]) -> None:
        self._info = info
        self._names = names
        self._layout = FileLayout(info.geometry, [file.length for file in info.files])
        self._candidates: dict[int, list[Path]] = {}
        self._chosen: dict[int, Path] = {}
        self._proven: set[int] = set()

    def find(self, folders: Sequence[Path]) -> list[Adopted]:
        """In the order of the torrent's files. Raises nothing for what cannot be read."""
        self._gather(folders)
        for file_index in list(self._candidates):
            self._choose(file_index)
        for piece_index in range(self._info.geometry.piece_count):
            if piece_index not in self._proven:
                self._try_shared(piece_index)
        return [
            Adopted(index, self._chosen[index], self._proven.issuperset(pieces))
            for index in sorted(self._chosen)
            if not self._proven.isdisjoint(pieces := self._layout.pieces_of_file(index))
        ]

    def in_place(self, found: Sequence[Adopted]) -> Path | None:
        """The folder below which all that was found has the names of the torrent already."""
        roots = {_root_of(each.source, self._names[each.file_index]) for each in found}
        return roots.pop() if len(roots) == 1 else None

    def _gather(self, folders: Sequence[Path]) -> None:
        """Who has the right size; first those that stand where most have their right names."""
        wanted: dict[int, list[int]] = {}
        for index, name in enumerate(self._names):
            if name and self._layout.lengths[index]:
                wanted.setdefault(self._layout.lengths[index], []).append(index)
        of_size: dict[int, dict[Path, None]] = {size: {} for size in wanted}
        for path, size in islice(_files(folders), ENTRIES_MAX):
            if size in of_size:
                of_size[size][path] = None
        votes = Counter(
            _root_of(path, self._names[index])
            for size, paths in of_size.items()
            for path in paths
            for index in wanted[size]
        )
        for size, indices in wanted.items():
            for index in indices:
                ranked = sorted(of_size[size], key=partial(_rank, self._names[index], votes))
                self._candidates[index] = ranked[:CANDIDATES_MAX]

    def _choose(self, file_index: int) -> None:
        """Of the candidates the one that has every piece which lies within the file."""
        pieces = [p for p in self._layout.pieces_of_file(file_index) if self._is_within(p)]
        if not pieces:
            return
        for path in self._candidates[file_index]:
            if all(self._matches(piece, {file_index: path}) for piece in pieces):
                self._chosen[file_index] = path
                self._proven.update(pieces)
                return
        self._candidates[file_index] = []

    def _is_within(self, piece_index: int) -> bool:
        return len([s for s in self._spans(piece_index) if self._names[s.file_index]]) == 1

    def _try_shared(self, piece_index: int) -> None:
        """A piece of several files: whoever of them has no file yet gets the one that fits."""
        files = [s.file_index for s in self._spans(piece_index) if self._names[s.file_index]]
        choices = [
            [self._chosen[index]] if index in self._chosen else self._candidates[index]
            for index in files
        ]
        if len(files) < 2:
            return  # that was looked at
        for paths in islice(product(*choices), COMBINATIONS_MAX):
            chosen = dict(zip(files, paths, strict=True))
            if self._matches(piece_index, chosen):
                self._chosen.update(chosen)
                self._proven.add(piece_index)
                return

    def _spans(self, piece_index: int) -> list[FileSpan]:
        return self._layout.spans(piece_index, 0, self._info.geometry.piece_size(piece_index))

    def _matches(self, piece_index: int, paths: dict[int, Path]) -> bool:
        digest = hashlib.sha1(usedforsecurity=False)
        for span in self._spans(piece_index):
            if not self._names[span.file_index]:
                digest.update(bytes(span.length))  # padding is zeros (BEP 47)
                continue
            for data in _read(paths[span.file_index], span.offset_bytes, span.length):
                digest.update(data)
        return digest.digest() == self._info.piece_hash(piece_index)


def _files(folders: Sequence[Path]) -> Iterator[tuple[Path, int]]:
    """All regular files below, with their sizes; what cannot be read is passed over."""
    waiting = [(folder, 0) for folder in reversed(folders)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield Path(entry.path), status.st_size
                elif stat.S_ISDIR(status.st_mode) and depth < DEPTH_MAX:
                    waiting.append((Path(entry.path), depth + 1))


def _rank(name: str, votes: "Counter[Path | None]", path: Path) -> tuple[int, bool]:
    """The smallest comes first."""
    root = _root_of(path, name)
    return -votes[root] if root is not None else 0, path.name != name.rpartition("/")[2]


def _root_of(path: Path, name: str) -> Path | None:
    """The folder below which the file has this name."""
    parts = name.split("/")
    return path.parents[len(parts) - 1] if path.parts[-len(parts) :] == tuple(parts) else None


def _read(path: Path, offset_bytes: int, length: int) -> Iterator[bytes]:
    """Nothing more where the file ends, or cannot be read."""
    try:
        descriptor = os.open(path, _READ)
    except OSError:
        return
    try:
        while length:
            data = os.pread(descriptor, min(length, READ_BYTES), offset_bytes)
            if not data:
                return
            yield data
            offset_bytes, length = offset_bytes + len(data), length - len(data)
    except OSError:
        return
    finally:
        os.close(descriptor)
