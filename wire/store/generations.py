"""A file that is replaced whole, its previous generation kept beside it (threats F1, F2).

No BEP applies. `<path>` is the newest, `<path>.old` the one before, `<path>.tmp` one that was never
finished. At any instant of a save, and whatever of it survives a power cut, one whole generation
stands under one of the first two names, from the first save that returned on.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from torrentd.wire.store.api import store_error

_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MODE = 0o600


def old_path(path: Path) -> Path:
    """Where the previous generation is."""
    return path.with_name(path.name + ".old")


def replace(path: Path, data: bytes, keep_old: bool) -> None:
    """Make `data` the newest generation; with `keep_old` what was newest becomes the previous one.
    When it returns, the data is on stable storage. Raises StoreError; then what was there before
    is still whole."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        _write_synced(temporary, data)
        if keep_old:
            try:
                os.replace(path, old_path(path))
            except FileNotFoundError:
                pass
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):  # on a full disk its part would be missed
            temporary.unlink()
        raise store_error(path, error) from error


def read(path: Path, size_bytes_max: int) -> bytes | None:
    """The bytes of one generation, None where there is none, empty where it is too large to be one
    of ours."""
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise store_error(path, error) from error
    try:
        with open(descriptor, "rb") as file:
            data = file.read(size_bytes_max + 1)
    except OSError as error:
        raise store_error(path, error) from error
    return data if len(data) <= size_bytes_max else b""


def set_aside(path: Path) -> Path:
    """Rename a file that is no good to `<path>.bad-<seconds>`, for somebody to look at."""
    aside = path.with_name(f"{path.name}.bad-{int(time.time())}")
    try:
        os.replace(path, aside)
        _sync_folder(path.parent)
    except OSError as error:
        raise store_error(path, error) from error
    return aside


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, _WRITE, _MODE)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
