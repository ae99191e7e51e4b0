"""The state folder: one daemon a folder, one file a torrent, and what was learned of the DHT.

    reserve                         room for records when the disk is full (F4)
    lock                            held (flock) while a daemon lives; never removed
    dht.nodes                       the routing table (D13)
    journal, journal.old            what happened (journal_file)
    bans                            networks banned by hand, a line each
    hooks                           the cursor up to which all hooks have ended
    totals                          what was moved, in all and by day (ledger)
    pointers                        mutable torrents, followed and published
    changes                         what was changed of the configuration at run time
    torrents/<infohash>.resume      what we have and want (wire/store/resume)
    torrents/<infohash>.metadata    the info dictionary, proven by its infohash

Blocking; called at start and from threads.
"""

import fcntl
import os
from pathlib import Path

from torrentd.daemon.reserve import Reserve
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import METADATA_BYTES_MAX, infohash_of
from torrentd.wire.store import generations, resume
from torrentd.wire.store.api import DiskFull, StoreError
from torrentd.wire.store.resume import ResumeState

RESUME = ".resume"
METADATA = ".metadata"
SNAPSHOT_BYTES_MAX = 1024 * 1024
TOTALS_BYTES_MAX = 256 * 1024
POINTERS_BYTES_MAX = 4 * 1024 * 1024  # 200, each with an item and a folder
CHANGES_BYTES_MAX = 256 * 1024
BANS_BYTES_MAX = 1024 * 1024
CURSOR_BYTES_MAX = 64
FOLDER_MODE = 0o700


class StateLocked(Exception):
    """Another daemon lives in this folder."""


class StateDir:
    """Knows the names of the files and who may write them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torrents = path / "torrents"
        self._dht = path / "dht.nodes"
        self.journal = path / "journal"
        self._bans = path / "bans"
        self._hooks = path / "hooks"
        self._pointers = path / "pointers"
        self._totals = path / "totals"
        self._changes = path / "changes"
        self.reserve = Reserve(path / "reserve")
        self._lock: int | None = None

    def open(self) -> None:
        """Make the folders and take the lock. StateLocked, or OSError when it cannot be written."""
        self.torrents.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise StateLocked(f"another torrentd uses {self.path}") from None
        self._lock = lock
        self.reserve.fill()

    def close(self) -> None:
        """Give the lock back; the kernel does so for a daemon that was killed."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def save_resume(self, state: ResumeState) -> None:
        """On a full disk the reserve is given up for it. StoreError; then the generation before is
        still there."""
        path = self.resume_path(state.infohash)
        try:
            resume.save(path, state)
        except DiskFull:
            if not self.reserve.release():
                raise
            resume.save(path, state)

    def resume_path(self, infohash: InfoHash) -> Path:
        return self.torrents / (infohash.hex() + RESUME)

    def infohashes(self) -> list[InfoHash]:
        """Every torrent that has a resume file or a previous generation of one, in stable order."""
        found: dict[InfoHash, None] = {}
        for name in sorted(os.listdir(self.torrents)):
            stem, _, rest = name.partition(".")
            if not rest.startswith(RESUME[1:]) or ".bad" in rest or ".tmp" in rest:
                continue
            try:
                found[InfoHash(bytes.fromhex(stem))] = None
            except (ValueError, ProtocolError):
                continue
        return list(found)

    def has_metadata(self, infohash: InfoHash) -> bool:
        """There is a file; what it is worth `load_metadata` sees."""
        return os.path.exists(self._metadata_path(infohash))

    def load_metadata(self, infohash: InfoHash) -> bytes | None:
        """The info dictionary; None when there is none, or not the one that the infohash proves."""
        data = generations.read(self._metadata_path(infohash), METADATA_BYTES_MAX)
        return data if data is not None and infohash_of(data) == infohash else None

    def save_metadata(self, infohash: InfoHash, metadata: bytes) -> str | None:
        """The reason when it cannot be written."""
        try:
            generations.replace(self._metadata_path(infohash), metadata, keep_old=False)
        except StoreError as error:
            return str(error)
        return None

    def remove(self, infohash: InfoHash) -> None:
        """Forget a torrent: every generation of its files."""
        for path in sorted(self.torrents.glob(infohash.hex() + ".*")):
            path.unlink(missing_ok=True)

    def load_dht(self) -> bytes | None:
        """None when there is none, or it cannot be read: the DHT begins anew (D13)."""
        try:
            return generations.read(self._dht, SNAPSHOT_BYTES_MAX)
        except StoreError:
            return None

    def save_dht(self, snapshot: bytes) -> str | None:
        """The reason when it cannot be written."""
        try:
            generations.replace(self._dht, snapshot, keep_old=False)
        except StoreError as error:
            return str(error)
        return None

    def load_bans(self) -> bytes | None:
        """None where there are none, or they cannot be read."""
        try:
            return generations.read(self._bans, BANS_BYTES_MAX)
        except StoreError:
            return None

    def save_bans(self, data: bytes) -> str | None:
        """The reason when they cannot be written."""
        try:
            generations.replace(self._bans, data, keep_old=False)
        except StoreError as error:
            return str(error)
        return None

    def load_hooks_cursor(self) -> str | None:
        """None where there is none, or it cannot be read."""
        try:
            data = generations.read(self._hooks, CURSOR_BYTES_MAX)
        except StoreError:
            return None
        return data.decode("ascii", "replace").strip() if data is not None else None

    def save_hooks_cursor(self, cursor: str | None) -> str | None:
        """The reason when it cannot be written. None: there are no hooks."""
        try:
            if cursor is None:
                self._hooks.unlink(missing_ok=True)
            else:
                generations.replace(self._hooks, cursor.encode() + b"\n", keep_old=False)
        except StoreError as error:
            return str(error)
        except OSError as error:
            return f"{self._hooks}: {error.strerror}"
        return None

    def load_pointers(self) -> bytes | None:
        """None when there are none, or they cannot be read."""
        try:
            return generations.read(self._pointers, POINTERS_BYTES_MAX)
        except StoreError:
            return None

    def save_pointers(self, data: bytes) -> str | None:
        """The reason when they cannot be written."""
        try:
            generations.replace(self._pointers, data, keep_old=False)
        except StoreError as error:
            return str(error)
        return None

    def load_changes(self) -> bytes | None:
        """None when there are none, or they cannot be read."""
        try:
            return generations.read(self._changes, CHANGES_BYTES_MAX)
        except StoreError:
            return None

    def save_changes(self, data: bytes) -> str | None:
        """The reason when they cannot be written."""
        try:
            generations.replace(self._changes, data, keep_old=False)
        except StoreError as error:
            return str(error)
        return None

    def load_totals(self) -> bytes | None:
        """None when there are none, or they cannot be read."""
        try:
            return generations.read(self._totals, TOTALS_BYTES_MAX)
        except StoreError:
            return None

    def save_totals(self, data: bytes) -> str | None:
        """The reason when they cannot be written."""
        try:
            generations.replace(self._totals, data, keep_old=False)
        except StoreError as error:
            return str(error)
        return None

    def _metadata_path(self, infohash: InfoHash) -> Path:
        return self.torrents / (infohash.hex() + METADATA)
