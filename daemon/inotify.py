"""What the kernel tells of folders: files that were put there, folders that are gone (inotify(7)).

Imported when there is a folder to watch: it brings ctypes along, and looks for the C library.
"""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from inotify_simple import INotify, flags

_PUT = flags.CLOSE_WRITE | flags.MOVED_TO
_LEFT = flags.DELETE_SELF | flags.MOVE_SELF
_GONE = _LEFT | flags.UNMOUNT | flags.IGNORED


class Told(NamedTuple):
    """Of the folder with this number: a file is whole, or the folder is `gone`; `lost`: the kernel
    had more to tell than it keeps, of any folder."""

    number: int
    name: str
    gone: bool
    lost: bool


class Inotify:
    """Never waits. Raises OSError where the kernel has no more to give."""

    def __init__(self) -> None:
        self._notify = INotify(nonblocking=True)

    def fileno(self) -> int:
        return int(self._notify.fileno())

    def watch(self, folder: Path) -> int | str:
        """Its number; the reason when it cannot be watched. May be called in a thread."""
        try:
            return int(self._notify.add_watch(folder, _PUT | _LEFT | flags.ONLYDIR))
        except OSError as error:
            return error.strerror or "it cannot be watched"
        except ValueError:  # closed meanwhile
            return "the daemon ends"

    def forget(self, number: int) -> None:
        with suppress(OSError):  # it is gone by itself
            self._notify.rm_watch(number)

    def read(self) -> list[Told]:
        return [
            Told(
                event.wd,
                event.name,
                gone=bool(event.mask & _GONE),
                lost=bool(event.mask & flags.Q_OVERFLOW),
            )
            for event in self._notify.read(timeout=0)
        ]

    def close(self) -> None:
        self._notify.close()
