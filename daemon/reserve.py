"""A piece of disk that the state folder keeps for the day the disk is full (F4)."""

import os
from pathlib import Path
from threading import Lock

RESERVE_BYTES = 1024 * 1024


class Reserve:
    """One file; `released` while its room is in use, or could not be had. Blocking, any thread."""

    def __init__(self, path: Path) -> None:
        self.released = False
        self._path = path
        self._lock = Lock()

    def fill(self) -> None:
        """Take the room, all of it or none."""
        with self._lock:
            try:
                self._allocate()
                self.released = False
            except OSError:
                self.released = True

    def release(self) -> bool:
        """Give the room back for a record that finds none; False: that was done already."""
        with self._lock:
            if self.released:
                return False
            self._path.unlink(missing_ok=True)
            self.released = True
            return True

    def _allocate(self) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        except OSError:
            self._path.unlink()
            raise
        finally:
            os.close(descriptor)
