"""Files go to the trash, as freedesktop.org's specification has it (version 1.0; threats P4, P6).

No BEP applies. It is the trash of the home folder where that lies on the same mount, else one at
the top of the data's own: nothing is ever copied. Files of one torrent become one entry, in their
folders; what else lies there stays. Where it cannot be done nothing is moved.

Send2Trash does this for desktops. It copies to the home folder where a mount has no trash, writes
over a `.trashinfo` made at the same moment, takes HOME as it is at the import, and moves a folder
with all that is in it; here each step goes from one descriptor to the next, and follows no link.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from torrentd.wire.store.api import StoreError, store_error
from torrentd.wire.store.folders import Folders, folders_of

SUFFIX = ".trashinfo"
ENTRY_BYTES_MAX = 240  # NAME_MAX is 255; the suffix and a number must still fit
ENTRIES_MAX = 1000  # of one name
_DATE = "%Y-%m-%dT%H:%M:%S"
_PRIVATE = 0o700
_INFO_MODE = 0o600
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_WHERE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC

Mount = tuple[int, int]  # a device, and which mount of it


class NoTrash(StoreError):
    """Nothing was moved, or `cause` says what was."""


class Trash:
    """`folder` is below `base`, "" for `base` itself. `top` is what paths are told from; None in
    the home trash, where they are absolute."""

    def __init__(self, base: Path, folder: str, top: Path | None) -> None:
        self._base = base
        self._below = f"{folder}/" if folder else ""
        self._files, self._info = f"{self._below}files", f"{self._below}info"
        self._top = top
        self._folders = Folders(base)
        self._changed: dict[tuple[Folders, str], None] = {}  # folders to be synced

    @property
    def folder(self) -> Path:
        return self._base / self._below

    def prepare(self) -> None:
        """Make what is absent of it. StoreError where it cannot be ours."""
        if self._top is None:
            _make_private(self._base)
        for path in (self._below.rstrip("/"), self._files, self._info):
            if path:
                self._prepare(path)

    def put(self, root: Path, names: Sequence[str], at: datetime) -> list[Path]:
        """The files `names` below `root`, which must be there: where their entries are then, one
        for each first component. NoTrash: all are where they were."""
        entries: dict[str, str] = {}  # by the first component
        tried: list[tuple[str, str]] = []
        old = Folders(root)
        try:
            for name in names:
                first, slash, rest = name.partition("/")
                if first not in entries:
                    entries[first] = self._enter(root, first, at)
                new = f"{self._files}/{entries[first]}{slash}{rest}"
                tried.append((name, new))
                self._move(old, name, self._folders, new)
        except StoreError as error:
            left = self._put_back(old, tried, list(entries.values()))
            cause = f"it cannot go to the trash: {error.cause}{left}"
            raise NoTrash(error.path, cause) from error
        for folders, path in self._changed:
            with folders.folder(path) as descriptor:
                os.fsync(descriptor)
        self._changed.clear()
        return [self._base / self._files / entry for entry in entries.values()]

    # ---- inside

    def _prepare(self, path: str) -> None:
        parent, _, name = path.rpartition("/")
        with _errors_at(self._base / path), self._folders.folder(parent) as above:
            try:
                os.mkdir(name, _PRIVATE, dir_fd=above)
            except FileExistsError:
                pass
        with _errors_at(self._base / path), self._folders.folder(path) as here:
            if os.fstat(here).st_uid != os.geteuid():
                raise StoreError(self._base / path, "it belongs to somebody else")
            if not os.access(".", os.W_OK | os.X_OK, dir_fd=here):
                raise StoreError(self._base / path, "it cannot be written to")

    def _enter(self, root: Path, name: str, at: datetime) -> str:
        """A name that nobody has, and what it will be the name of, on stable storage."""
        origin = root.resolve() / name
        told = origin.relative_to(self._top) if self._top is not None else origin
        lines = ("[Trash Info]", f"Path={quote(os.fsencode(told))}", f"DeletionDate={at:{_DATE}}")
        with (
            self._folders.folder(self._info) as info,
            self._folders.folder(self._files) as files,
            _errors_at(self._base / self._info),
        ):
            for entry in _names(name):
                try:
                    descriptor = os.open(entry + SUFFIX, _NEW, _INFO_MODE, dir_fd=info)
                except FileExistsError:
                    continue
                try:
                    if _is_there(entry, files):  # without a word where it came from
                        os.unlink(entry + SUFFIX, dir_fd=info)
                        continue
                    _write(descriptor, "\n".join((*lines, "")).encode())
                    os.fsync(info)
                except OSError:
                    os.unlink(entry + SUFFIX, dir_fd=info)
                    raise
                finally:
                    os.close(descriptor)
                return entry
        raise StoreError(self.folder, f"there are {ENTRIES_MAX} of that name already")

    def _move(self, old: Folders, name: str, new: Folders, new_name: str) -> None:
        old_folder, _, old_last = name.rpartition("/")
        new_folder, _, new_last = new_name.rpartition("/")
        with (
            old.folder(old_folder) as source,
            new.folder(new_folder, lambda made: self._note(new, made)) as target,
            _errors_at(old.root / name),
        ):
            os.rename(old_last, new_last, src_dir_fd=source, dst_dir_fd=target)
        self._note(old, old_folder)
        self._note(new, new_folder)

    def _note(self, folders: Folders, path: str) -> None:
        self._changed[folders, path] = None

    def _put_back(self, old: Folders, tried: list[tuple[str, str]], entries: list[str]) -> str:
        """Nothing where that is done; else a word about what stays in the trash."""
        stuck: dict[str, None] = {}
        for name, new in reversed(tried):
            try:
                if self._folders.stat(new) is None:
                    continue
                if old.stat(name) is not None:
                    raise StoreError(old.root / name, "a file came there")
                self._move(self._folders, new, old, name)
            except StoreError:
                stuck[new.removeprefix(f"{self._files}/").partition("/")[0]] = None
        self._changed.clear()
        for folder in folders_of(new for _, new in tried):
            if folder.startswith(f"{self._files}/"):
                self._folders.rmdir(folder)
        for entry in entries:
            if entry not in stuck:
                self._folders.unlink(f"{self._info}/{entry}{SUFFIX}")
        return f"; some of it is at {self._base / self._files / next(iter(stuck))}" if stuck else ""


def find_trash(root: Path, home_trash: Path) -> Trash:
    """For what lies in the folder `root`; made where absent. NoTrash says why there is none."""
    try:
        place = root.resolve(strict=True)
        mount = _mount(place)
        top = _top(place, mount)
        candidates = list(_candidates(top, home_trash, mount))
    except OSError as error:
        raise NoTrash(
            root, f"it has no trash: {(error.strerror or 'no answer').lower()}"
        ) from error
    reasons = []
    for trash in candidates:
        try:
            trash.prepare()
        except StoreError as error:
            reasons.append(f"{error.path}: {error.cause}")
        else:
            return trash
    raise NoTrash(root, f"it has no trash ({'; '.join(reasons)})")


def _candidates(top: Path, home_trash: Path, mount: Mount) -> Iterator[Trash]:
    if _mount(_nearest(home_trash)) == mount:
        yield Trash(home_trash, "", None)
    user = os.geteuid()
    if _is_shared(top / ".Trash"):
        yield Trash(top, f".Trash/{user}", top)
    yield Trash(top, f".Trash-{user}", top)


def _is_shared(folder: Path) -> bool:
    """The administrator's for all users; without the sticky bit, or as a link, it is nobody's."""
    try:
        mode = os.lstat(folder).st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) and bool(mode & stat.S_ISVTX)


def _top(place: Path, mount: Mount) -> Path:
    """The uppermost folder of its mount that can be seen from it."""
    while place != place.parent and _mount(place.parent) == mount:
        place = place.parent
    return place


def _nearest(path: Path) -> Path:
    """The first folder above that is there, or the path itself."""
    while path != path.parent and not os.path.isdir(path):
        path = path.parent
    return path


def _mount(folder: Path) -> Mount:
    """Two folders between which files can be renamed have the same: what is mounted twice has one
    device, and a subvolume has one of its own."""
    descriptor = os.open(folder, _WHERE)
    try:
        return os.fstat(descriptor).st_dev, _mount_id(descriptor)
    finally:
        os.close(descriptor)


def _mount_id(descriptor: int) -> int:
    """0 where /proc does not tell."""
    try:
        text = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    except OSError:
        return 0
    found = [line for line in text.splitlines() if line.startswith("mnt_id:")]
    return int(found[0].split()[1]) if found else 0


def _make_private(folder: Path) -> None:
    with _errors_at(folder):
        for each in (*reversed(folder.parents), folder):
            if not each.exists():
                each.mkdir(_PRIVATE, exist_ok=True)


def _names(name: str) -> Iterator[str]:
    """`name`, then `stem.2.ext`, `stem.3.ext`, …"""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > 16:
        stem, dot, extension = name, "", ""
    room = ENTRY_BYTES_MAX - len((dot + extension).encode())
    stem = stem.encode()[:room].decode("utf-8", "ignore")
    yield f"{stem}{dot}{extension}"
    for number in range(2, ENTRIES_MAX + 1):
        yield f"{stem}.{number}{dot}{extension}"


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def _errors_at(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise StoreError(path, "it is on another file system") from error
        raise store_error(path, error) from error


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
    os.fsync(descriptor)
