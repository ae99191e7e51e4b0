"""What the user wants of one torrent, and how it is followed: files, order, limits, rules."""

import time
from dataclasses import replace

from torrentd.config.rules import Quantity, Rule
from torrentd.daemon.facts import Facts
from torrentd.daemon.file_choice import FileChoice, Selection, choose, choose_unseen
from torrentd.daemon.known import Known, display_name
from torrentd.daemon.resting import measured
from torrentd.daemon.services import Services
from torrentd.daemon.status import Refused
from torrentd.wire.formats.magnet import decode_magnet, encode_magnet
from torrentd.wire.store.options import TorrentOptions
from torrentd.wire.store.paths import safe_names


class Wishes(Facts):
    """A torrent that can be told what is wanted of it."""

    def __init__(self, services: Services, known: Known) -> None:
        super().__init__(known)
        self._services = services
        self._rule_limit_bytes_per_s = 0  # of the upload, by a rule that holds; 0: none

    def set_options(self, options: TorrentOptions) -> None:
        """What the user wants from now on."""
        before, self._state.options = self.options, options
        self._follow_options(before)
        self.holding.record.changed()

    def choose_files(self, choice: FileChoice) -> None:
        """Other files are wanted, or in another order. Raises Refused; then nothing has changed."""
        if self.info is None:
            select, options = choose_unseen(choice, self.select, self.options)
        else:
            names = self.holding.names or safe_names(self.info, self.infohash)
            select, options = choose(choice, self.select, self.options, names)
        self._want(select)
        self.set_options(options)

    def measured(self, wall: float) -> dict[Quantity, float]:
        """What seeding rules look at; `wall` in seconds since 1970."""
        size_bytes = max(self.downloaded_bytes, self.swarm.done_bytes)
        return measured(self._what_is_true(), size_bytes, self.traffic.counted, wall)

    def follow_rule(self, rule: Rule | None) -> None:
        """The seeding rule that holds now, if it is not one that ends the seeding."""
        limit = rule.limit_bytes_per_s if rule is not None else 0
        if limit != self._rule_limit_bytes_per_s:
            self._rule_limit_bytes_per_s = limit
            self._limit()

    # ---- inside

    def _follow_options(self, before: TorrentOptions) -> None:
        """Do what is wanted otherwise than it was."""
        options = self.options
        if options.name != before.name:
            named = display_name(self.info) if self.info is not None else self.infohash.hex()
            self.name = options.name or named
        limits = (options.download_bytes_per_s_max, options.upload_bytes_per_s_max)
        if limits != (before.download_bytes_per_s_max, before.upload_bytes_per_s_max):
            self._limit()
        if options.super_seeding != before.super_seeding:
            now = time.monotonic()
            self.traffic.perform(self.swarm.seed_super(options.super_seeding, now), now)
        if self.wish != self.swarm.wish:
            now = time.monotonic()
            self.traffic.perform(self.swarm.change_wish(self.wish, now), now)
            self._wish_changed()

    def _want(self, select: Selection) -> None:
        """These files; the magnet says so too (BEP 53)."""
        self._state.select = select
        magnet = replace(decode_magnet(self._state.magnet), select=select)
        self._state.magnet = encode_magnet(magnet)

    def _choose_waiting(self) -> None:
        """The metadata tells which files the patterns name that were said before."""
        if self.options.patterns:
            try:
                self.choose_files(FileChoice(select=list(self.options.patterns)))
            except Refused as refused:
                self._fail(str(refused))

    def _limit(self) -> None:
        options = self.options
        limits = (options.upload_bytes_per_s_max, self._rule_limit_bytes_per_s)
        up = min(filter(None, limits), default=0)
        self.traffic.limit(options.download_bytes_per_s_max, up)

    def _leave_pause_out(self) -> None:
        """Of the time for which it has been seeding: that begins so much later."""
        since, self._state.paused_at = self._state.paused_at, 0
        if since and (self._state.done_at or self.is_done):
            begun = self._state.done_at or self.added_at
            self._state.done_at = begun + max(0, int(time.time()) - since)

    def _leave_rules(self) -> None:
        """The user wants it to go on: the rule that paused it does not count for it any more."""
        if self._state.pause_reason:
            self._state.pause_reason = ""
            self._state.options = replace(self.options, rules=())

    def _wish_changed(self) -> None:
        """Other pieces are asked for."""
        raise NotImplementedError

    def _fail(self, reason: str) -> None:
        """Stop until the user says `resume` or `verify`."""
        raise NotImplementedError
