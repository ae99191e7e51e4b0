"""Whom we upload to: tit for tat, and a turn for everybody (BEP 3, "The choking algorithm").

Every ten seconds the slots are dealt anew. All but one go to the interested peers that give us
most. The last is the optimistic unchoke: peers take turns of thirty seconds in a rotation, which a
newcomer enters at a random place, its head being three times as likely as any other. Slots that
nobody has earned (nobody gives us anything, or we are a seed) are served in turn as well, so a
seed serves everyone alike. Of more than nine slots a fifth is optimistic.

A turn is a question: will it give as much? Who had one, has what we want and gave nothing for it is
asked again after those who had fewer such turns, until it gives. So free riders come last, and who
has nothing yet does not.

Differs from the BEP: as a seed it prefers peers that take fast; we give everyone the same time.
Between two rounds a free slot is given away at once, so that a swarm of few starts without delay.
"""

import random
from collections.abc import Container
from typing import Generic, Protocol, TypeVar

from torrentd.wire.peer.rates import Rate
from torrentd.wire.swarm.unchoke_slots import UnchokeSlots

ROUND_S = 10.0  # "avoids fibrillation by only changing who's choked once every ten seconds"
TURN_S = 30.0  # "which peer is optimistically unchoked rotates every 30 seconds"
TURN_SLACK_S = ROUND_S / 2  # a round that comes a moment early must not prolong a turn by another
NEWCOMER_WEIGHT = 3
OPTIMISTIC_SHARE = 5  # of so many slots one is optimistic


class ChokerPeer(Protocol):
    """What the choker asks about a peer. Peers are told apart by identity."""

    @property
    def am_choking(self) -> bool:
        """It has no slot."""

    @property
    def peer_interested(self) -> bool:
        """It would make use of one."""

    @property
    def am_interested(self) -> bool:
        """It has what we want."""

    @property
    def snubbed(self) -> bool:
        """It keeps us waiting for blocks."""

    @property
    def upload_only(self) -> bool:
        """It wants nothing (BEP 21)."""

    @property
    def download_rate(self) -> Rate:
        """What it gives us."""


P = TypeVar("P", bound=ChokerPeer)


class Choker(Generic[P]):
    """Deals the slots of one torrent; the optimistic unchoke is one of them."""

    def __init__(self, unchoke_slots: int, rng: random.Random) -> None:
        """`unchoke_slots`: 0 is as many as the upload fills."""
        self._slots = UnchokeSlots(unchoke_slots)
        self._rng = rng
        self._rotation: list[P] = []  # whose turn is next, first to last
        self._turns: dict[P, float] = {}  # who has a slot by turn, and since when
        self._vain: dict[P, int] = {}  # turns that brought nothing, since it gave last
        self._last: Container[P] = ()
        self._round_at: float | None = None

    @property
    def slots(self) -> int:
        """Unchoke slots at present."""
        return self._slots.count

    def next_deadline(self) -> float | None:
        """When the next round is due; None before the first."""
        return None if self._round_at is None else self._round_at + ROUND_S

    def rechoke(
        self,
        peers: list[P],
        now: float,
        *,
        seeding: bool,
        uploaded_bytes: int,
        last: Container[P] = (),
    ) -> tuple[list[P], list[P]]:
        """Whom to unchoke and whom to choke now, of all `peers`. Call it when a round is due, and
        whenever a peer came, left or changed its interest. `seeding`: we want nothing ourselves.
        `last`: who gets a turn only when nobody else waits for one."""
        self._follow(peers)
        self._last = last
        if self._round_at is not None and now < self._round_at + ROUND_S:
            return self._between_rounds(peers, now)
        round_s = 0.0 if self._round_at is None else now - self._round_at
        self._round_at = now
        interested = sum(peer.peer_interested for peer in peers)
        self._slots.deal(uploaded_bytes, round_s, interested)
        self._judge_turns(peers, now, seeding=seeding)
        earned = [] if seeding else self._best(peers, now)
        chosen = dict.fromkeys(earned)
        chosen |= dict.fromkeys(self._take_turns(chosen, now))
        if not seeding:
            chosen |= dict.fromkeys(self._better_uninterested(peers, earned, now))
        to_unchoke = [peer for peer in chosen if peer.am_choking]
        return to_unchoke, [p for p in peers if not p.am_choking and p not in chosen]

    @property
    def _regular(self) -> int:
        """Slots that can be earned: all but the optimistic ones."""
        return self.slots - max(self.slots // OPTIMISTIC_SHARE, 1)

    def _follow(self, peers: list[P]) -> None:
        """Newcomers enter the rotation, who left is forgotten."""
        present = dict.fromkeys(peers)
        self._rotation = [peer for peer in self._rotation if peer in present]
        self._turns = {peer: since for peer, since in self._turns.items() if peer in present}
        self._vain = {peer: turns for peer, turns in self._vain.items() if peer in present}
        known = dict.fromkeys(self._rotation)
        for peer in peers:
            if peer not in known:
                place = self._rng.randrange(len(self._rotation) + NEWCOMER_WEIGHT)
                self._rotation.insert(max(place - NEWCOMER_WEIGHT + 1, 0), peer)

    def _judge_turns(self, peers: list[P], now: float, *, seeding: bool) -> None:
        """Whose turn is over, and what it was good for. A seed asks for nothing."""
        for peer in peers:
            if seeding or peer.download_rate.bytes_per_s(now) > 0.0:
                self._vain.pop(peer, None)
            elif self._is_over(self._turns.get(peer), now) and peer.am_interested:
                self._vain[peer] = self._vain.get(peer, 0) + 1

    def _is_over(self, since: float | None, now: float) -> bool:
        return since is not None and now >= since + TURN_S - TURN_SLACK_S

    def _best(self, peers: list[P], now: float) -> list[P]:
        """Reciprocation: the interested that give us most, on all slots but the optimistic ones."""
        giving = [
            (peer.download_rate.bytes_per_s(now), peer)
            for peer in peers
            if peer.peer_interested and not peer.snubbed
        ]
        giving = [(rate, peer) for rate, peer in giving if rate > 0.0]
        giving.sort(key=lambda pair: -pair[0])  # stable: ties keep the order of `peers`
        return [peer for _, peer in giving[: self._regular]]

    def _take_turns(self, earned: dict[P, None], now: float) -> list[P]:
        """Who has the slots that were not earned: those whose turn is not over, then whoever waits
        longest."""
        count = self.slots - len(earned)
        self._turns = {
            peer: since
            for peer, since in self._turns.items()
            if peer.peer_interested and peer not in earned and not self._is_over(since, now)
        }
        waiting = [p for p in self._waiting() if p not in earned and p not in self._turns]
        for peer in waiting[: max(count - len(self._turns), 0)]:
            self._begin_turn(peer, now)
        return list(self._turns)[:count]

    def _waiting(self) -> list[P]:
        """Who would make use of a turn, the next one first."""
        waiting = [peer for peer in self._rotation if peer.peer_interested]
        waiting.sort(key=lambda peer: (peer in self._last, self._vain.get(peer, 0)))
        return waiting

    def _better_uninterested(self, peers: list[P], earned: list[P], now: float) -> list[P]:
        """ "Peers which have a better upload rate but aren't interested get unchoked"."""
        if len(earned) < self._regular or not earned:
            return []
        least = earned[-1].download_rate.bytes_per_s(now)
        return [
            p
            for p in peers
            if not p.peer_interested
            and not p.upload_only
            and not p.snubbed
            and p.download_rate.bytes_per_s(now) > least
        ]

    def _between_rounds(self, peers: list[P], now: float) -> tuple[list[P], list[P]]:
        """A free slot is filled; one too many (an unchoked peer "became interested") is taken from
        the worst uploader. Nothing else moves."""
        serving = [p for p in peers if p.peer_interested and not p.am_choking]
        free = self.slots - len(serving)
        if free < 0:
            worst_first = sorted(serving, key=lambda peer: peer.download_rate.bytes_per_s(now))
            without_turn = [peer for peer in worst_first if peer not in self._turns]
            return [], (without_turn or worst_first)[:-free]
        waiting = [peer for peer in self._waiting() if peer.am_choking]
        for peer in waiting[:free]:
            self._begin_turn(peer, now)
        return waiting[:free], []

    def _begin_turn(self, peer: P, now: float) -> None:
        self._turns[peer] = now
        self._rotation.remove(peer)
        self._rotation.append(peer)
