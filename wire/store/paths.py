"""Names from a torrent -> safe names on disk (BEP 3, 47; threats P1 to P5 and P7).

The author of a torrent chooses every byte of its paths. What comes out of here is a relative path
of at least one component, none of them `.`, `..` or empty or with a slash, a NUL or a control
character in it, no two of them the same to a file system that folds case or normalises, and always
the same for the same torrent. The walk that opens them trusts none of that (`folders`).
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.store.api import UnsafePath

COMPONENT_BYTES_MAX = 240  # NAME_MAX is 255; ".499" must still fit
EXTENSION_BYTES_MAX = 16
PATH_BYTES_MAX = 3072  # PATH_MAX is 4096 and the download folder stands before it
RENAMES_MAX = 500  # names tried for duplicates, over a whole torrent

_BROKEN_UTF8 = re.compile("[\udc80-\udcff]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# separators, what turns the direction of text, what has no width, what is no character
_REMOVED = re.compile(
    "[/\\\\\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]"
)


def safe_component(raw: bytes, instead: str = "_") -> str:
    """One path component as a name for a file or folder; `instead` where nothing is left of it."""
    text = _BROKEN_UTF8.sub("_", raw.decode("utf-8", "surrogateescape"))
    text = _REMOVED.sub("", _CONTROL.sub("_", text))
    if text in ("", ".", ".."):
        return instead
    if len(text.encode()) > COMPONENT_BYTES_MAX:
        return _shorten(text, hashlib.sha1(raw, usedforsecurity=False).hexdigest()[:8])
    return text


def safe_names(info: Info, infohash: InfoHash) -> list[str]:
    """For each file its path below the download folder, `/` between components: the torrent's name
    first. Empty for what is never on disk: padding files and symbolic links.

    Raises MetainfoError where more names collide than anyone honest has.
    """
    root = safe_component(info.name, instead=infohash.hex())
    names = []
    folded = _Folded()
    paths = [_components(root, info, index) for index in range(len(info.files))]
    folders = [folded.add_folders(path[:-1]) for path in paths]
    for path, folder in zip(paths, folders, strict=True):
        name = "/".join([*path[:-1], folded.unique(folder, path[-1])]) if path else ""
        if len(name.encode()) > PATH_BYTES_MAX:
            raise MetainfoError(f"a path in the torrent is longer than {PATH_BYTES_MAX} bytes")
        names.append(name)
    return names


def check_names(names: Sequence[str]) -> None:
    """Raise UnsafePath unless `safe_names` could have made these, as far as safety goes: for names
    that come back from a state file."""
    for name in names:
        if name and any(
            component in ("", ".", "..") or _CONTROL.search(component)
            for component in name.split("/")
        ):
            raise UnsafePath(ascii(name), "not a path below a download folder")
    present = [name for name in names if name]
    if len(set(present)) != len(present):
        raise UnsafePath("", "two files of one torrent have the same path")


def check_root(root: Path, state_dir: Path) -> None:
    """Raise UnsafePath for a download folder that would let a torrent's own file names do harm
    (P7): `/`, a home folder itself, or one above or below our state."""
    resolved = root.resolve()
    state = state_dir.resolve()
    if resolved in (Path("/"), Path.home().resolve()):
        raise UnsafePath(root, "torrents may not go here directly; choose a folder inside it")
    if state == resolved or resolved in state.parents or state in resolved.parents:
        raise UnsafePath(root, "the daemon keeps its own state there")


def _components(root: str, info: Info, index: int) -> list[str]:
    file = info.files[index]
    if file.pad or file.symlink:
        return []
    if not info.multi_file:
        return [root]
    return [root, *map(safe_component, file.path)]


def _shorten(text: str, digest: str) -> str:
    dot = text.rfind(".")
    extension = text[dot:] if dot > 0 else ""
    if len(extension.encode()) > EXTENSION_BYTES_MAX:
        extension = ""
    tail = f"~{digest}{extension}"
    room = COMPONENT_BYTES_MAX - len(tail.encode())
    return text.encode()[:room].decode("utf-8", "ignore") + tail


class _Folded:
    """Which names are taken, as the most forgetful file system would see them.

    Folders are numbered, and a name is known by its folder's number: a million deep paths cost a
    million entries, not a million copies of their parents.
    """

    def __init__(self) -> None:
        self._folders: dict[tuple[int, str], int] = {}
        self._files: dict[tuple[int, str], None] = {}
        self._renames = 0

    def add_folders(self, path: Sequence[str]) -> int:
        """Number of the folder at `path`. All folders come before the first file, since a file
        gives way to a folder of its name."""
        number = 0
        for component in path:
            key = (number, _fold(component))
            number = self._folders.setdefault(key, len(self._folders) + 1)
        return number

    def unique(self, folder: int, name: str) -> str:
        """`name`, or the first of `stem.1.ext`, `stem.2.ext`, … that is free in the folder."""
        stem, dot, extension = name.rpartition(".")
        if not stem:
            stem, dot, extension = name, "", ""
        tried, count = name, 0
        key = (folder, _fold(name))
        while key in self._folders or key in self._files:
            count += 1
            self._renames += 1
            if self._renames > RENAMES_MAX:
                raise MetainfoError("too many files of the torrent have the same path")
            tried = f"{stem}.{count}{dot}{extension}"
            key = (folder, _fold(tried))
        self._files[key] = None
        return tried


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
