"""The disk: threads for each download folder, and what was read through them.

A folder has threads of its own, so that a mount that hangs holds up only its own torrents (F6).
"""

from pathlib import Path

from torrentd.daemon.read_cache import ReadCache
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.workers import Workers
from torrentd.wire.store.open_files import OpenFiles

THREADS_PER_FOLDER_MAX = 4
FOLDERS_MAX = 32  # beyond it folders share threads
STATE = ""  # the folder of the daemon's own state


class Disk:
    """Shared by all torrents. `state` runs the jobs that touch the state folder alone."""

    def __init__(self, tasks: Tasks, read_cache_bytes_max: int, open_files_max: int) -> None:
        self.cache = ReadCache(read_cache_bytes_max)
        self.open_files = OpenFiles(open_files_max)
        self._tasks = tasks
        self._workers: dict[str, Workers] = {}
        self.state = self._make(STATE)

    def workers_for(self, folder: Path) -> Workers:
        key = str(folder)
        if key not in self._workers and len(self._workers) > FOLDERS_MAX:
            key = list(self._workers)[1 + hash(key) % FOLDERS_MAX]
        return self._workers.get(key) or self._make(key)

    async def drain(self, timeout_s: float) -> bool:
        """Wait until every job is done; False when some hang."""
        for workers in list(self._workers.values()):
            if not await workers.drain(timeout_s):
                return False
        return True

    def close(self) -> None:
        for workers in self._workers.values():
            workers.close()

    def _make(self, key: str) -> Workers:
        self._workers[key] = Workers(f"disk {key}", THREADS_PER_FOLDER_MAX, self._tasks)
        return self._workers[key]
