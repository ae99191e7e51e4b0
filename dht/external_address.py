"""Our address as others see it, by vote (BEP 42, Bootstrapping).

"Since a single node can not be trusted": an address is ours when it is eight votes ahead of every
other. Where a third of the voters lie, one time in 256 they are the first to be so far ahead; three
voters of one mind, as one once had it, they are one time in 27. A small DHT has no eight voters:
ten seconds after the first vote, two thirds of three or more are enough. Until then we know no
address, and an id by chance serves as well.

Once we have an address, a new one needs nearly all of the votes, too, since after a real change
nobody sees the old one any more, or to be ahead for ten minutes on end, since the first choice may
have been the liars'. Only answers to our own queries vote, each network (IPv4 /16, IPv6 /32) has
one vote, its latest, and the address changes at most every ten minutes, so that liars cannot keep
us changing our id.
"""

from collections import Counter
from typing import Final

from torrentd.wire.formats.address import pack_host

VOTERS_AHEAD: Final = 8
VOTERS_MIN: Final = 3
MAJORITY: Final = 2 / 3  # of the votes, where they are few
VOTES_MAX: Final = 48  # networks remembered; the oldest vote is forgotten first
KEPT: Final = 1 / 8  # of the votes: with more, the address that we have stays for LEAD_S
LEAD_S: Final = 10 * 60.0
CHANGE_S: Final = 10 * 60.0
SETTLE_S: Final = 10.0


class ExternalAddressVote:
    def __init__(self) -> None:
        self.host: str | None = None
        self.settles_at: float | None = None  # then few are enough; None: they are already
        self._changed_at: float | None = None
        self._leader: tuple[str, float] | None = None  # another host, and since when it leads
        self._votes: dict[bytes, tuple[str, str]] = {}  # by network: who said so, and what

    def add(self, voter: str, host: str, now: float) -> None:
        """A node at `voter` says that we are at `host`."""
        if not self._votes:
            self.settles_at = now + SETTLE_S
        network = pack_host(voter)
        key = network[:2] if len(network) == 4 else network[:4]
        self._votes.pop(key, None)
        self._votes[key] = voter, host
        if len(self._votes) > VOTES_MAX:
            del self._votes[next(iter(self._votes))]

    def elect(self, now: float) -> str | None:
        """Our address, if the votes have just changed it."""
        if self.settles_at is not None and now >= self.settles_at:
            self.settles_at = None
        leader = self._find_leader()
        if leader is None:
            self._leader = None
            return None
        if self._leader is None or self._leader[0] != leader:
            self._leader = leader, now
        if self._changed_at is not None and now - self._changed_at < CHANGE_S:
            return None
        if self._is_kept() and now - self._leader[1] < LEAD_S:
            return None
        self.host, self._changed_at, self._leader = leader, now, None
        return leader

    def begin_anew(self) -> None:
        """We are perhaps somewhere else: those that spoke before know nothing of it."""
        self._votes.clear()
        self._changed_at = self._leader = None

    def voters(self, host: str) -> int:
        return sum(voted == host for _, voted in self._votes.values())

    def votes(self) -> dict[str, list[str]]:
        """Who voted, by the address voted for; the latest last."""
        votes: dict[str, list[str]] = {}
        for voter, host in self._votes.values():
            votes.setdefault(host, []).append(voter)
        return votes

    def _find_leader(self) -> str | None:
        """Another host than the one that we have, with enough of the votes."""
        counted = Counter(host for _, host in self._votes.values()).most_common(2)
        if not counted:
            return None
        host, voters = counted[0]
        ahead = voters - (counted[1][1] if len(counted) > 1 else 0)
        is_majority = voters >= VOTERS_MIN and voters >= MAJORITY * len(self._votes)
        is_enough = ahead >= VOTERS_AHEAD or (self.settles_at is None and is_majority)
        return host if is_enough and host != self.host else None

    def _is_kept(self) -> bool:
        return self.host is not None and self.voters(self.host) > KEPT * len(self._votes)
