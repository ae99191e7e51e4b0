"""The resume file of one torrent, always behind the data and never before it (F1, F2).

A save is one job in a thread: first what was written is synced, then the record is written that
claims it. What the record claims was fixed in the loop before the sync began. One job at a time;
changes that come meanwhile make the next one.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from torrentd.daemon.logs import get_logger
from torrentd.daemon.workers import Workers
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.resume import ResumeState

SYNC_INTERVAL_S = 5.0
UNSYNCED_BYTES_MAX = 64 * 1024 * 1024  # a sync begins; at twice as much, writing waits for it
RETRY_FIRST_S = 30.0
RETRY_MAX_S = 300.0

log = get_logger("record")

# In a thread: sync the data if asked to, add what only the disk knows, write the file.
Save = Callable[[ResumeState, bool], None]


class SaveFailed(Exception):
    """The state folder, not the data, could not be written: the old generation stays valid (F4)."""


class RecordOwner(Protocol):
    """The torrent."""

    def resume_state(self) -> ResumeState:
        """What is true now, when everything written until now is synced."""

    def sync_failed(self, error: StoreError) -> None:
        """Nothing that was written since the last record may be believed (fsync reports once)."""

    def record_window_changed(self) -> None:
        """`window_full` may be another."""


class Record:
    """`changed` and `written` are called as things happen; the rest follows by itself."""

    def __init__(
        self,
        name: str,
        workers: Workers,
        save: Save,
        owner: RecordOwner,
        recorded: ResumeState | None,
    ) -> None:
        self.error: str | None = None  # why the state cannot be saved
        self.recorded = recorded  # what the file says; None before the first
        self._generation = recorded.generation if recorded is not None else 0
        self._name = name
        self._workers = workers
        self._save = save
        self._owner = owner
        self._dirty = False
        self._unsynced_bytes = 0
        self._busy: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._retry_s = RETRY_FIRST_S
        self._closed = False

    def claimed(self, piece_count: int) -> Bitfield:
        """The pieces that the file claims, of a torrent of so many."""
        recorded = self.recorded
        if recorded is None or recorded.piece_count != piece_count:
            return Bitfield(piece_count)
        return Bitfield.from_bytes(recorded.have, piece_count)

    @property
    def settled(self) -> bool:
        """The file tells all that we were told, and nothing is under way."""
        return (
            self.recorded is not None
            and not self._dirty
            and self._busy is None
            and self.error is None
            and not self._unsynced_bytes
        )

    @property
    def window_full(self) -> bool:
        return self._unsynced_bytes >= 2 * UNSYNCED_BYTES_MAX

    def written(self, size_bytes: int) -> None:
        """A piece is in its file, not yet synced."""
        self._unsynced_bytes += size_bytes
        self._dirty = True
        if self._unsynced_bytes >= UNSYNCED_BYTES_MAX:
            self.save_now()
            if self.window_full:
                self._owner.record_window_changed()
        else:
            self._save_within(SYNC_INTERVAL_S)

    def changed(self, within_s: float = 0.0) -> None:
        """Something else that the record tells is new."""
        self._dirty = True
        if within_s:
            self._save_within(within_s)
        else:
            self.save_now()

    def touch(self) -> None:
        """There is something new, which can wait for the next save."""
        self._dirty = True

    def save_now(self) -> None:
        if self._busy is not None or self._closed or self.error is not None:
            return  # the end of the running job, or the retry, sees that there is more
        self._start()

    async def flush(self) -> None:
        """Everything until now is on record when this returns, or was tried once more."""
        await self.idle()
        if self._dirty and not self._closed:
            await asyncio.shield(self._start())

    async def idle(self) -> None:
        """No job runs when this returns."""
        while self._busy is not None:
            await asyncio.shield(self._busy)

    def close(self) -> None:
        """Write no more; a job that runs ends by itself."""
        self._closed = True
        self._cancel_timer()

    def _save_within(self, delay_s: float) -> None:
        if self._timer is None and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._due)

    def _due(self) -> None:
        self._timer = None
        if self._dirty and self._busy is None and not self._closed:
            self._start()

    def _start(self) -> asyncio.Future[None]:
        self._cancel_timer()
        state = self._owner.resume_state()
        state.generation = self._generation
        busy = self._busy = asyncio.get_running_loop().create_future()
        self._dirty = False
        syncing_bytes = self._unsynced_bytes
        self._workers.submit(
            partial(self._try_to_save, state, syncing_bytes > 0),
            partial(self._saved, state, syncing_bytes),
        )
        return busy

    def _try_to_save(self, state: ResumeState, sync: bool) -> StoreError | SaveFailed | None:
        try:
            self._save(state, sync)
        except (StoreError, SaveFailed) as error:
            return error
        return None

    def _saved(
        self, state: ResumeState, synced_bytes: int, error: StoreError | SaveFailed | None
    ) -> None:
        busy, self._busy = self._busy, None
        self._unsynced_bytes -= synced_bytes
        if error is None:
            self.recorded = state
            self._generation = state.generation
            self.error = None
            self._retry_s = RETRY_FIRST_S
        else:
            self._dirty = True
            self._failed(error)
        self._owner.record_window_changed()
        if busy is not None:
            busy.set_result(None)
        if self._dirty:
            self._save_within(SYNC_INTERVAL_S)

    def _failed(self, error: StoreError | SaveFailed) -> None:
        if isinstance(error, StoreError):
            self._owner.sync_failed(error)
            return
        log.warning("the state cannot be saved", torrent=self._name, cause=str(error))
        self.error = str(error)
        self._save_within(self._retry_s)
        self._retry_s = min(self._retry_s * 2, RETRY_MAX_S)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
