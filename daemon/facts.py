"""What is so of one torrent: what people see of it, and what goes on its record."""

from dataclasses import replace

from torrentd.daemon.holding import Holding
from torrentd.daemon.known import Known, display_name
from torrentd.daemon.status import TorrentState
from torrentd.daemon.traffic import Traffic
from torrentd.wire.store.options import TorrentOptions
from torrentd.wire.store.resume import ResumeState
from torrentd.wire.swarm.swarm import Swarm
from torrentd.wire.swarm.wish import Wish


class Facts:
    """A torrent, without the life that changes it (torrent)."""

    traffic: Traffic
    holding: Holding

    def __init__(self, known: Known) -> None:
        state = known.state
        self.infohash = state.infohash
        named = display_name(known.info) if known.info is not None else state.name
        self.name = state.options.name or named
        self.info = known.info
        self.paused = state.paused
        self.error: str | None = None  # only the user can heal it
        self.no_room: str | None = None  # heals by itself
        self.opened = False
        self.queued = False  # others run first
        self._state = state
        self._metadata = known.metadata
        self._downloaded_before = state.downloaded_bytes
        self._uploaded_before = state.uploaded_bytes
        self._kept = known.kept

    @property
    def swarm(self) -> Swarm:
        return self.traffic.swarm

    @property
    def magnet(self) -> str:
        return self._state.magnet

    @property
    def metadata(self) -> bytes | None:
        return self._metadata

    @property
    def added_at(self) -> int:
        return self._state.added_at

    @property
    def pause_reason(self) -> str:
        """The rule that paused it; "": the user did."""
        return self._state.pause_reason if self.paused else ""

    @property
    def paused_at(self) -> int:
        """Seconds since 1970; 0: it is not paused, or that is not on record."""
        return self._state.paused_at if self.paused else 0

    @property
    def select(self) -> tuple[int, ...] | None:
        """Indices of the files wanted; None: all."""
        return self._state.select

    @property
    def options(self) -> TorrentOptions:
        """What the user wants of it."""
        return self._state.options

    @property
    def labels(self) -> tuple[str, ...]:
        return self.options.labels

    @property
    def wish(self) -> Wish:
        """The files wanted, and their order."""
        options = self.options
        return Wish(self.select, options.high, options.low, options.sequential)

    @property
    def state(self) -> TorrentState:
        if self.trouble is not None:
            return "error"
        if self.is_moving:
            return "moving"
        if self.paused:
            return "paused"
        if self.info is not None and not self.opened:
            return "checking"
        if self.queued:
            return "queued"
        if self.info is None:
            return "metadata"
        return "seeding" if self.swarm.is_complete else "downloading"

    @property
    def wants_turn(self) -> bool:
        """Neither paused, in error, on its way elsewhere, nor being checked."""
        checking = self.info is not None and not self.opened
        return not (self.paused or self.error is not None or self.is_moving or checking)

    @property
    def is_moving(self) -> bool:
        """Its files are on their way to another place."""
        return self._state.moving_to is not None and self.info is not None

    @property
    def is_done(self) -> bool:
        """All that is wanted is here."""
        return self.opened and self.swarm.is_complete

    @property
    def heads_home(self) -> bool:
        """It is to move to a folder of its own once it is done."""
        return bool(self.options.final_dir)

    @property
    def moved_bytes(self) -> int:
        """Data received as a download, sent as a seed."""
        return self.uploaded_bytes if self.is_done else self.downloaded_bytes

    @property
    def trouble(self) -> str | None:
        """What is wrong, for people; the disk's troubles heal by themselves."""
        no_room = self.no_room if self.lacking_bytes else None
        return self.error or self.holding.trouble or no_room

    @property
    def lacking_bytes(self) -> int:
        """What is still to be written; 0 while nothing is to be."""
        if self.paused or self.queued or self.error is not None or not self.opened:
            return 0
        if self.is_moving:
            return 0
        return self.swarm.wanted_bytes - self.swarm.done_bytes

    @property
    def downloaded_bytes(self) -> int:
        """Over all runs."""
        return self._downloaded_before + self.swarm.downloaded_bytes

    @property
    def uploaded_bytes(self) -> int:
        return self._uploaded_before + self.swarm.uploaded_bytes

    @property
    def wasted_bytes(self) -> int:
        """In this run."""
        return self._kept.wasted_bytes + self.swarm.wasted_bytes

    def counters_changed(self) -> bool:
        """The record does not tell the latest counters."""
        recorded = self.holding.record.recorded
        return recorded is not None and (
            recorded.downloaded_bytes != self.downloaded_bytes
            or recorded.uploaded_bytes != self.uploaded_bytes
        )

    def resume_state(self) -> ResumeState:
        """A copy of what is true now, for the record."""
        self._state = self._what_is_true()
        return replace(self._state)

    def _what_is_true(self) -> ResumeState:
        state = replace(
            self._state,
            name=self.name,
            paused=self.paused,
            downloaded_bytes=self.downloaded_bytes,
            uploaded_bytes=self.uploaded_bytes,
            complete_bytes=0,
        )
        if self.opened:
            if self.swarm.is_complete:
                state.complete_bytes = self.swarm.wanted_bytes
            state.piece_count = len(self.swarm.have)
            state.have = self.swarm.have.to_bytes()
            state.names = tuple(self.holding.names)
        return state
