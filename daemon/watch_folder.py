"""One watch folder on disk: what lies there to be added, and what becomes of it.

    x.torrent, x.magnet           to be added
    x.torrent.added               was added
    x.torrent.invalid             cannot be, and x.torrent.invalid.txt says why

A magnet file holds magnets or infohashes, one a line. Whoever may write into the folder chooses
what is added and nothing else: no link is followed, nothing but a regular file is read. Blocking.
"""

import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from torrentd.daemon.control_lines import METAINFO_BYTES_MAX

ENDINGS = (".torrent", ".magnet")
NAMES_MAX = 10_000  # looked at in one go
MAGNETS_BYTES_MAX = 1024 * 1024
MAGNETS_MAX = 1000  # in one file
AT_REST_S = 5.0  # whoever writes a file writes more often than that
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


@dataclass(slots=True)
class Found:
    """One file as it was read. `problem`: why it cannot be; then nothing else counts."""

    metainfo: bytes | None = None
    magnets: tuple[str, ...] = ()
    problem: str | None = None
    at_rest: bool = True  # nobody has written to it for some seconds


def is_addable(name: str) -> bool:
    """Hidden files are what editors and downloads have not finished."""
    return name.endswith(ENDINGS) and not name.startswith(".")


def names(folder: Path) -> list[str] | str:
    """What is there to be added, in the order of names; the reason when nobody can look."""
    try:
        found = sorted(name for name in os.listdir(folder) if is_addable(name))
    except OSError as error:
        return error.strerror or "it cannot be read"
    return found[:NAMES_MAX]


def read(path: Path) -> Found | None:
    """None where there is none any more."""
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Found(problem=f"it cannot be read: {error.strerror}")
    try:
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return Found(problem="it is no regular file")
            if path.name.endswith(".torrent"):
                found = _metainfo(file.read(METAINFO_BYTES_MAX + 1))
            else:
                found = _magnets(file.read(MAGNETS_BYTES_MAX + 1))
            found.at_rest = abs(time.time() - status.st_mtime) >= AT_REST_S
            return found
    except OSError as error:
        return Found(problem=f"it cannot be read: {error.strerror}")


def settle(path: Path, problem: str | None) -> str | None:
    """Rename what was dealt with; the reason when that fails."""
    ending = ".added" if problem is None else ".invalid"
    settled = path.with_name(path.name + ending)
    try:
        if problem is not None:
            _write(path.with_name(path.name + ending + ".txt"), problem)
        os.replace(path, settled)
    except FileNotFoundError:  # taken away meanwhile
        return None
    except OSError as error:
        return error.strerror or "it cannot be renamed"
    return None


def _metainfo(data: bytes) -> Found:
    if len(data) > METAINFO_BYTES_MAX:
        return Found(problem=f"it is larger than {METAINFO_BYTES_MAX} bytes")
    return Found(metainfo=data) if data else Found(problem="it is empty")


def _magnets(data: bytes) -> Found:
    if len(data) > MAGNETS_BYTES_MAX:
        return Found(problem=f"it is larger than {MAGNETS_BYTES_MAX} bytes")
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines()]
    magnets = tuple(line for line in lines if line and not line.startswith("#"))
    if not magnets:
        return Found(problem="no magnet is in it")
    if len(magnets) > MAGNETS_MAX:
        return Found(problem=f"more than {MAGNETS_MAX} magnets are in it")
    return Found(magnets=magnets)


def _write(path: Path, sentence: str) -> None:
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o644), "w", encoding="utf-8", errors="replace") as file:
        file.write(sentence + "\n")
