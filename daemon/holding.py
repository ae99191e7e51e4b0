"""What one torrent holds at rest: its data, found and checked again, and the record of it.

Opened once its metadata is known, and again for `verify`. Until then there is only the record.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from torrentd.config.places import home_trash
from torrentd.daemon.free_space import Footprint
from torrentd.daemon.opening import (
    Opened,
    Remembered,
    Unusable,
    finish_check,
    open_store,
    run_check,
)
from torrentd.daemon.record import Record, RecordOwner, SaveFailed
from torrentd.daemon.services import Services
from torrentd.daemon.storage import Storage, StorageOwner
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import TOTAL_BYTES_MAX, Info
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.files import FileStore
from torrentd.wire.store.paths import safe_component
from torrentd.wire.store.resume import ResumeState
from torrentd.wire.store.trash import Trash, find_trash
from torrentd.wire.store.verify import Check

T = TypeVar("T")

CHECK_THREADS = 2
STAT_BLOCK_BYTES = 512  # of st_blocks, whatever the file system uses


class HoldingOwner(StorageOwner, RecordOwner, Protocol):
    """The torrent."""


class Holding:
    """`storage` is None until the data is open; `names` until the metadata is known."""

    def __init__(
        self,
        services: Services,
        infohash: InfoHash,
        root: Path,
        remembered: Remembered,
        recorded: ResumeState | None,
        owner: HoldingOwner,
    ) -> None:
        self.root = root
        self.storage: Storage | None = None
        self.names = list(remembered.names or ())
        self._workers = services.disk.workers_for(root)
        self.record = Record(infohash.hex(), self._workers, self._save, owner, recorded)
        self._services = services
        self._infohash = infohash
        self._remembered = remembered
        self._owner = owner
        self._store: FileStore | None = None  # what records are synced with
        self._ours = bool(self.names)  # the files, as far as they are there
        self._check: Check | None = None
        if self.names:  # on record, so they are ours whoever else is loaded before
            self._claim(self.names)
        self._latest = 0  # of the calls of `open`: only the latest one counts
        self.opening = False

    @property
    def trouble(self) -> str | None:
        """What is wrong with the disk at the moment."""
        storage = self.storage
        return str(storage.error) if storage is not None and storage.error is not None else None

    def footprint(self) -> Footprint:
        """What the files do not take on disk yet, and how many there are to make. Blocking."""
        store = self._store
        if store is None:
            return Footprint(TOTAL_BYTES_MAX, 0)
        total_bytes = store.info.total_bytes
        try:
            found = store.stat_files()
        except StoreError:
            return Footprint(total_bytes, 0)
        allocated = sum(stat.st_blocks for stat in found if stat is not None) * STAT_BLOCK_BYTES
        made = sum(stat is not None for stat in found)
        return Footprint(max(0, total_bytes - allocated), sum(map(bool, store.names)) - made)

    @property
    def checked(self) -> float:
        """How far a check that runs has come, 0 to 1."""
        check = self._check
        return check.pieces_checked / check.piece_count if check is not None else 0.0

    async def open(self, info: Info) -> Bitfield | Unusable | None:
        """The pieces we have; why the data is of no use; None when this was called off."""
        self._latest += 1
        call = self._latest
        self.opening = True
        refused = self._claim(self.names or [root_name(info, self._infohash)])
        opened = refused or await self._find(info)
        if call != self._latest:
            return None
        self.opening = False
        if isinstance(opened, Unusable):
            return opened
        self._store = opened.store
        self._ours = True
        self.names = list(opened.store.names)
        self.storage = Storage(
            self._infohash,
            info,
            opened.store,
            self._workers,
            self._services.disk.cache,
            self._owner,
        )
        return opened.have

    def forget_pieces(self, piece_count: int) -> None:
        """The next `open` believes nothing: every byte that is there is hashed, and what is gone is
        accepted as gone."""
        self.close()
        self._store = None  # until the check has ended, no stamp may vouch for what is on record
        self._remembered = Remembered(self.names or None, Bitfield(piece_count))

    def close(self) -> None:
        """Nothing is read or written from now on; the record may still be flushed."""
        self._latest += 1
        self.opening = False
        if self._check is not None:
            self._check.stop()
        if self.storage is not None:
            self.storage.close()
            self.storage = None

    async def remove_at(self, info: Info, root: Path, names: Sequence[str]) -> None:
        """The same where its files were moved from, or to. StoreError."""
        store = FileStore(info, root, names, self._services.disk.open_files)
        problem = await self._services.disk.workers_for(root).run(
            partial(_tried, store.remove_files)
        )
        if problem is not None:
            raise problem

    async def remove_data(self, info: Info) -> None:
        """Remove the torrent's own files; none when its data was never opened. StoreError."""
        if not self._ours:
            return
        store = FileStore(info, self.root, self.names, self._services.disk.open_files)
        problem = await self._workers.run(partial(_tried, store.remove_files))
        if problem is not None:
            raise problem

    async def find_trash(self) -> Trash:
        """Where its data would go. NoTrash."""
        job = partial(_tried, partial(find_trash, self.root, home_trash(os.environ)))
        found = await self._workers.run(job)
        if isinstance(found, StoreError):
            raise found
        return found

    async def trash_data(self, info: Info) -> list[Path]:
        """The torrent's own files to the trash: where they are then. NoTrash: nothing was moved."""
        if not self._ours:
            return []
        trash = await self.find_trash()
        store = FileStore(info, self.root, self.names, self._services.disk.open_files)
        job = partial(_tried, partial(store.trash_files, trash, datetime.now()))
        moved = await self._workers.run(job)
        if isinstance(moved, StoreError):
            raise moved
        return moved

    async def _find(self, info: Info) -> Opened | Unusable:
        found = await self._workers.run(
            partial(
                open_store,
                info,
                self._infohash,
                self.root,
                self._remembered,
                self._services.disk.open_files,
            )
        )
        if isinstance(found, Opened) and found.check is not None:
            return await self._hash(found, found.check)
        return found

    async def _hash(self, opened: Opened, check: Check) -> Opened | Unusable:
        self._check = check
        try:
            async with self._services.checks:
                runs = [self._workers.run(partial(run_check, check)) for _ in range(CHECK_THREADS)]
                problems = await asyncio.gather(*runs)
        finally:
            self._check = None
        for problem in filter(None, problems):
            return Unusable(problem)
        if not check.finished:
            return Unusable("the check was stopped")
        return await self._workers.run(partial(finish_check, opened, self._remembered))

    def _claim(self, names: list[str]) -> Unusable | None:
        """First come, first served."""
        roots = {f"{self.root}/{name.partition('/')[0]}": None for name in names if name}
        owner = self._services.claims.claim(self._infohash, roots)
        if owner is None:
            return None
        return Unusable(f"torrent {owner.hex()} has the same files in {self.root}")

    def _save(self, state: ResumeState, sync: bool) -> None:
        """In a thread, for `record`; meanwhile `forget_pieces` may take the store away."""
        store = self._store
        if store is not None:
            if sync:
                store.sync()
            # A state taken before the store was open names no files, so it has no stamps either.
            if len(state.names) == len(store.names):
                stamps = tuple(store.stamps())
                state.stamps = stamps if self._store is store else ()
        try:
            self._services.state.save_resume(state)
        except StoreError as error:
            raise SaveFailed(str(error)) from error


def _tried(job: Callable[[], T]) -> T | StoreError:
    """In a thread, where errors are values."""
    try:
        return job()
    except StoreError as error:
        return error


def root_name(info: Info, infohash: InfoHash) -> str:
    """The first component of all of a torrent's paths (`safe_names`)."""
    return safe_component(info.name, instead=infohash.hex())
