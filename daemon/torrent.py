"""One torrent: metadata (a magnet only), checking, downloading, seeding; or paused, or in error.

Its `traffic` is everything with peers, its `holding` everything at rest; here they meet.
"""

import asyncio
import time
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path

from torrentd.daemon.files_done import FilesDone
from torrentd.daemon.holding import Holding
from torrentd.daemon.known import Known, display_name, remembered
from torrentd.daemon.logs import get_logger
from torrentd.daemon.moving import Moving
from torrentd.daemon.opening import Remembered, Unusable, too_many_files
from torrentd.daemon.services import Services
from torrentd.daemon.stages import Stages
from torrentd.daemon.status import DataFate
from torrentd.daemon.traffic import Traffic
from torrentd.daemon.waiters import Goal
from torrentd.daemon.witness import Kind
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.magnet import decode_magnet, encode_magnet
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.options import DEFAULTS
from torrentd.wire.store.resume import ResumeState
from torrentd.wire.swarm.actions import MetadataComplete, MetadataRefused
from torrentd.wire.swarm.swarm import Swarm

READ_ERRORS_MAX = 3  # within a minute: the disk, not a sector (F5)
READ_ERRORS_WITHIN_S = 60.0
LOSS_ON_RECORD_S = 1.0

log = get_logger("torrent")


class Torrent(Moving):
    """Hears from its traffic what the swarm has to tell, from its holding what the disk says."""

    def __init__(self, services: Services, known: Known) -> None:
        super().__init__(services, known)
        self._read_errors: deque[float] = deque(maxlen=READ_ERRORS_MAX)
        self._room_known = False
        self._metadata_lock = asyncio.Lock()
        self._done_known = False  # that it is complete is no news
        self._files_done: FilesDone | None = None  # from the first piece on that comes
        self.traffic = self._make_traffic()
        self.swarm.quota = known.kept.quota
        recorded = known.state if known.on_record else None
        self.holding = self._make_holding(remembered(known), recorded)
        self._follow_options(DEFAULTS)
        if self._rule_limit_bytes_per_s:
            self._limit()
        self.queued = services.queue.holds and not self._rested  # until it is its turn

    # ---- life

    def start(self) -> None:
        """Begin, or go on after `pause` or an error."""
        if self.is_moving:
            self._go_on_moving()
            return
        if self.info is not None:
            self._choose_waiting()
        if self.info is not None and not self.opened and not self.holding.opening:
            self._clean_up()
            self._begin_opening(self.info)
        if self._may_run:
            if self.info is None:
                self.stages = self.traffic.stages = Stages(time.monotonic())
            self._look_for_room()
            announce_at, self._announce_at = self._announce_at, None
            self.traffic.start(announce_at)

    def set_queued(self, queued: bool) -> None:
        """It waits for its turn, or has it."""
        if queued != self.queued:
            self.queued = queued
            if queued:
                self._quiet()
            else:
                self.start()

    @property
    def _may_run(self) -> bool:
        return not (self.paused or self.queued or self.is_moving or self.error is not None)

    def pause(self, reason: str = "") -> None:
        """`reason` is a rule's sentence; without one it is the user's will."""
        self._quiet()
        self._state.pause_reason = reason
        if not self.paused:
            self.paused = True
            self._state.paused_at = int(time.time())
            self._tell("paused", reason)
        self.holding.record.changed()

    def resume(self) -> None:
        if self.paused or self.error is not None:
            self._leave_pause_out()
            self.paused = False
            self.error = None
            self._leave_rules()
            self.start()
            self._tell("resumed")
            self._tell_waiters()
            self.holding.record.changed()

    def verify(self) -> None:
        """Hash everything again, believing nothing; peers are called back when that is done."""
        self._refuse_while_moving()
        assert self.info is not None
        piece_count = self.info.geometry.piece_count
        self._quiet()
        self._state = self._what_is_true()
        self._state.have = Bitfield(piece_count).to_bytes()
        self._state.piece_count = piece_count
        self._state.stamps = ()
        self.error = None
        self.opened = False
        self._files_done = None
        self.traffic.storage = None
        self.holding.forget_pieces(piece_count)
        self.holding.record.changed()
        self._begin_opening(self.info)

    def close(self) -> None:
        """The end of the daemon or of the torrent: no peer, no timer, no new work for the disk."""
        self._closed = True
        self._stop_moving()
        self.traffic.close()
        self.holding.close()
        self._waiters.cancel()

    async def remove(self, fate: DataFate) -> list[Path]:
        """After `close`: forget it, and its own files where asked; where they are in the trash.
        StoreError when some remain. NoTrash: it is as it was, and its record too."""
        await self._end_of_moving()
        await self.holding.record.flush()
        self.holding.record.close()
        await self.holding.record.idle()
        info, trashed = self.info, list[Path]()
        if fate == "trashed" and info is not None:
            trashed = await self.holding.trash_data(info)
        await self._services.disk.state.run(partial(self._services.state.remove, self.infohash))
        self._services.claims.release(self.infohash)
        if fate == "deleted" and info is not None:
            await self.holding.remove_data(info)
        if fate != "stays" and info is not None:
            await self._remove_moved(info)
        return trashed

    async def put_on_record(self) -> None:
        """From now on it survives a kill; or that was tried, and `record.error` says why not."""
        await self._save_metadata()
        await self.holding.record.flush()

    def wait(self, goal: Goal) -> asyncio.Future[None]:
        """Done when the goal is reached, cancelled when the torrent goes."""
        future = self._waiters.add(goal)
        self._tell_waiters()
        return future

    # ---- what the traffic tells

    def metadata_complete(self, found: MetadataComplete) -> None:
        self.info = found.info
        self._metadata = found.metadata
        if self.stages is not None:
            self.stages.passed("metadata", time.monotonic())
        self.traffic.stages = None
        self.name = self.options.name or display_name(found.info)
        magnet = replace(decode_magnet(self._state.magnet), name=self.name)
        self._state.magnet = encode_magnet(magnet)
        log.info("metadata complete", torrent=self.infohash.hex(), name=self.name)
        self._choose_waiting()
        self._begin_opening(found.info)
        self._tell("metadata")
        self._tell_waiters()

    def metadata_refused(self, found: MetadataRefused) -> None:
        self._fail(found.reason)

    def completed(self) -> None:
        if not self._done_known:
            self._done_known = True
            self._state.done_at = self._state.done_at or int(time.time())
            log.info("complete", torrent=self.infohash.hex(), name=self.name)
            self.holding.record.changed()
            self._tell("done")
        self._tell_waiters()
        self.go_home()

    def read_failed(self, piece_index: int, error: StoreError) -> None:
        """The piece is not what we thought it to be; often, and the disk is not (F5, F8)."""
        log.error("cannot read", torrent=self.infohash.hex(), cause=str(error))
        self._lose(piece_index)
        self.holding.record.changed(within_s=LOSS_ON_RECORD_S)
        now = time.monotonic()
        self._read_errors.append(now)
        if (
            len(self._read_errors) == READ_ERRORS_MAX
            and now - self._read_errors[0] <= READ_ERRORS_WITHIN_S
        ):
            self._read_errors.clear()
            self._fail(f"{error}; `torrentctl verify` checks what is left")

    # ---- what the disk's free space tells

    def room_found(self, no_room: str | None) -> None:
        """It may write; or a sentence why not."""
        if (self.no_room is None) != (no_room is None):
            log.warning("room on the disk", torrent=self.infohash.hex(), missing=no_room)
            self._tell("recovered" if no_room is None else "error", no_room or "")
        self.no_room, self._room_known = no_room, True
        self._hold_download()

    # ---- what the holding tells

    def piece_stored(self, piece_index: int, buffer: memoryview) -> None:
        now = time.monotonic()
        self.holding.record.written(len(buffer))
        self._count_files(piece_index)
        self.traffic.perform(self.swarm.piece_stored(piece_index, buffer, now), now)

    def piece_refused(self, piece_index: int, buffer: memoryview) -> None:
        now = time.monotonic()
        self.traffic.perform(self.swarm.piece_refused(piece_index, buffer, now), now)

    def store_failed(self, piece_index: int, buffer: memoryview) -> None:
        now = time.monotonic()
        self.traffic.perform(self.swarm.store_failed(piece_index, buffer, now), now)

    def storage_changed(self) -> None:
        self._hold_download()
        trouble = self.trouble
        if trouble is None:
            log.info("the disk works again", torrent=self.infohash.hex())
            self._tell("recovered")
        else:
            log.error("the disk fails", torrent=self.infohash.hex(), cause=trouble)
            self._tell("error", trouble)

    def storage_relieved(self) -> None:
        self.traffic.read_on()

    def sync_failed(self, error: StoreError) -> None:
        """A failed sync is told once and then forgotten by the kernel: whatever was written since
        the last good one is not there."""
        for piece_index in self.swarm.have - self.holding.record.claimed(len(self.swarm.have)):
            self._lose(piece_index)
        if self.holding.storage is not None:
            self.holding.storage.fail(error)

    def record_window_changed(self) -> None:
        if self.holding.storage is not None:
            self.holding.storage.hold(self.holding.record.window_full)

    # ---- inside

    def _make_traffic(self) -> Traffic:
        config = self._services.config
        swarm = Swarm(
            self.infohash,
            peer_id=self._services.peer_id,
            limits=config.limits,
            policy=self._services.policy,
            rng=self._services.rng,
            listen_port=config.listen.port,
            now=time.monotonic(),
            info=self.info,
            metadata=self._metadata,
            wish=self.wish,
            buffers=self._services.buffers,
            upload=self._services.rates.upload,
            places=self._services.admission,
            vantage=self._services.discovery.vantage,
        )
        return Traffic(self._services, self.infohash, swarm, self)

    def _wish_changed(self) -> None:
        self._done_known &= self.swarm.is_complete
        self._services.witnesses.looked_at(self.infohash)
        self._look_for_room()

    def _look_for_room(self) -> None:
        """Before anything is written (P11)."""
        if self.lacking_bytes:
            self._services.free_space.look(self.holding.root)

    def _hold_download(self) -> None:
        """What comes must have a place to go, else it would only fill the memory."""
        held = not self._room_known or bool(self.no_room or self.holding.trouble)
        now = time.monotonic()
        self.traffic.perform(self.swarm.hold_download(held, now), now)

    def _make_holding(self, remembered: Remembered, recorded: ResumeState | None) -> Holding:
        root = Path(self._state.download_dir)
        return Holding(self._services, self.infohash, root, remembered, recorded, self)

    def _begin_opening(self, info: Info) -> None:
        if self.is_moving:
            self._go_on_moving()
            return
        files_max = self._services.config.limits.files_max
        if len(info.files) > files_max:
            self._fail(too_many_files(info, files_max))
            return
        name = f"open {self.infohash.hex()}"
        self._opening = self._services.tasks.spawn(self._open(info), name)

    async def _open(self, info: Info) -> None:
        """Look at the data, and let the swarm begin with what is there."""
        await self.settle(info)
        found, _ = await asyncio.gather(self.holding.open(info), self._save_metadata())
        if found is None or self._closed:
            return
        if isinstance(found, Unusable):
            self._fail(found.reason)
            return
        self.opened = True
        self.traffic.storage = self.holding.storage
        now = time.monotonic()
        self._hold_download()
        recorded = self.holding.record.recorded
        changed = recorded is None or recorded.have != found.to_bytes()
        self._done_known |= not changed
        self.traffic.perform(self.swarm.store_opened(found, now), now)
        self._done_known = self.swarm.is_complete
        self._look_for_room()
        if changed:
            self.holding.record.changed()
        lost = self._rested and not self.swarm.is_complete  # it was to search in a while only
        if self._may_run and (lost or not self.swarm.running):
            self.traffic.start()
        self._services.witnesses.looked_at(self.infohash)
        self._tell_waiters()

    async def _save_metadata(self) -> None:
        """Once: it never changes. No record may claim pieces, or even the torrent, before."""
        async with self._metadata_lock:
            if self._metadata is None or self._metadata_saved:
                return
            save = partial(self._services.state.save_metadata, self.infohash, self._metadata)
            problem = await self._services.disk.state.run(save)
            self._metadata_saved = problem is None
        if problem is not None:
            log.warning("metadata not saved", torrent=self.infohash.hex(), cause=problem)

    def _fail(self, reason: str) -> None:
        """Stop until the user says `resume` or `verify`."""
        log.error("stopped", torrent=self.infohash.hex(), cause=reason)
        self.error = reason
        self._quiet()
        self._tell("error", reason)

    def _quiet(self) -> None:
        self.traffic.stop()
        if self.holding.storage is not None:
            self.holding.storage.give_up()

    def _lose(self, piece_index: int) -> None:
        now = time.monotonic()
        if self._files_done is not None and self.swarm.have[piece_index]:
            self._files_done.lost(piece_index)
        if self.holding.storage is not None:
            self.holding.storage.forget(piece_index)
        self.traffic.perform(self.swarm.piece_lost(piece_index, now), now)
        self._done_known = self.swarm.is_complete
        self._services.witnesses.looked_at(self.infohash)
        self._look_for_room()

    def _count_files(self, piece_index: int) -> None:
        """Tell which files this piece, which is not had yet, makes whole."""
        assert self.info is not None
        if self._files_done is None:
            self._files_done = FilesDone(self.info, self.swarm.have)
        for file_index in self._files_done.stored(piece_index):
            path = self.holding.names[file_index]
            if path:
                self._tell("file-done", path)

    def _tell(self, kind: Kind, detail: str = "") -> None:
        self._services.witnesses.tell(kind, self.infohash, self.name, detail)

    def _tell_waiters(self) -> None:
        done = self.is_done and not self.heads_home
        seeding = done and self.state == "seeding"
        self._waiters.tell({"done": done, "metadata": self.info is not None, "seeding": seeding})
