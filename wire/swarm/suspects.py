"""Pieces that failed their hash, and who is to blame (security X1 to X3). No BEP applies.

A piece of one sender convicts that sender at once. Of several senders none is accused: a digest of
every block is kept with its sender, and the piece is fetched again, whole, from a single peer. When
it passes, whoever had sent another block than the true one lied; nobody else is ever blamed.
"""

import hashlib
from dataclasses import dataclass, field

from torrentd.wire.swarm.assembly import Assembly
from torrentd.wire.swarm.peer import Peer

FAILURES_MAX = 5  # of one piece within FAILURES_WITHIN_S; then it rests, lest it spin for ever
FAILURES_WITHIN_S = 60.0
RECORDS_MAX = 65_536  # digests kept in all, about 10 MiB; the oldest piece is forgotten first


@dataclass(slots=True)
class _Suspect:
    # every version of a block that came: (begin, sender, digest)
    digests: dict[tuple[int, Peer, bytes], None] = field(default_factory=dict)
    senders: dict[Peer, None] = field(default_factory=dict)
    deserters: dict[Peer, None] = field(default_factory=dict)
    failed_at: list[float] = field(default_factory=list)
    rests_until: float | None = None


class Suspects:
    """The pieces under suspicion. `failures` counts every failed hash."""

    __slots__ = ("_pieces", "failures")

    def __init__(self) -> None:
        self._pieces: dict[int, _Suspect] = {}
        self.failures = 0

    def __contains__(self, piece_index: int) -> bool:
        return piece_index in self._pieces

    def refused(self, assembly: Assembly, now: float) -> list[Peer]:
        """The piece failed its hash. Returns the peer that is convicted by that alone."""
        self.failures += 1
        contributors = assembly.contributors()
        suspect = self._pieces.setdefault(assembly.piece_index, _Suspect())
        suspect.failed_at = [at for at in suspect.failed_at if at + FAILURES_WITHIN_S > now]
        suspect.failed_at.append(now)
        if len(suspect.failed_at) >= FAILURES_MAX:
            suspect.rests_until = now + FAILURES_WITHIN_S
        if len(contributors) == 1:
            self._dismiss_if_clean(assembly.piece_index)
            return contributors
        suspect.senders |= dict.fromkeys(contributors)
        for block in assembly.blocks:
            digest = _digest(assembly, block.begin, block.length)
            suspect.digests[block.begin, assembly.senders[block.begin], digest] = None
        self._forget_oldest()
        return []

    def stored(self, assembly: Assembly) -> list[Peer]:
        """The piece passed. Returns those who had sent other bytes in its name."""
        suspect = self._pieces.pop(assembly.piece_index, None)
        if suspect is None:
            return []
        lengths = {block.begin: block.length for block in assembly.blocks}
        truth = {begin: _digest(assembly, begin, lengths[begin]) for begin in lengths}
        return list(
            dict.fromkeys(peer for begin, peer, digest in suspect.digests if digest != truth[begin])
        )

    def deserted(self, piece_index: int, peer: Peer) -> None:
        """`peer` left the piece that it alone was asked for."""
        suspect = self._pieces.get(piece_index)
        if suspect is not None:
            suspect.deserters[peer] = None

    def prefers(self, piece_index: int, peer: Peer) -> bool:
        """Is `peer` a first choice to fetch the piece whole: neither a sender nor a deserter?"""
        suspect = self._pieces.get(piece_index)
        if suspect is None:
            return True
        return peer not in suspect.senders and peer not in suspect.deserters

    def resting(self, piece_index: int, now: float) -> bool:
        """Did the piece fail so often that it must wait?"""
        suspect = self._pieces.get(piece_index)
        return suspect is not None and suspect.rests_until is not None and suspect.rests_until > now

    def awake(self, now: float) -> list[int]:
        """Pieces whose rest is over, told once."""
        awake = []
        for piece_index, suspect in self._pieces.items():
            if suspect.rests_until is not None and suspect.rests_until <= now:
                suspect.rests_until = None
                awake.append(piece_index)
        return awake

    def next_deadline(self) -> float | None:
        """When the first rest is over."""
        rests = [s.rests_until for s in self._pieces.values() if s.rests_until is not None]
        return min(rests, default=None)

    def _dismiss_if_clean(self, piece_index: int) -> None:
        """The liar is known and nobody else is accused: the next attempt is an ordinary one."""
        suspect = self._pieces[piece_index]
        if not suspect.digests and suspect.rests_until is None and len(suspect.failed_at) == 1:
            del self._pieces[piece_index]

    def _forget_oldest(self) -> None:
        while sum(len(s.digests) for s in self._pieces.values()) > RECORDS_MAX:
            if len(self._pieces) == 1:
                return
            del self._pieces[next(iter(self._pieces))]


def _digest(assembly: Assembly, begin: int, length: int) -> bytes:
    return hashlib.blake2b(assembly.view[begin : begin + length], digest_size=16).digest()
