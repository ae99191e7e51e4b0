"""Our address as others see it, by vote (BEP 42, Bootstrapping).

"Since a single node can not be trusted": three nodes of different networks (IPv4 /16, IPv6 /32)
must agree, and they must be more than half of those that spoke lately; once we have an address, the
new one needs nearly all of them, since after a real change nobody sees the old one any more. Only
answers to our own queries vote, each network has one vote, its latest, and the address changes at
most every ten minutes, so that liars cannot keep us changing our id.
"""

from typing import Final

from torrentd.wire.formats.address import pack_host

VOTERS_MIN: Final = 3
VOTES_MAX: Final = 32  # networks remembered; the oldest vote is forgotten first
KEPT: Final = 1 / 8  # of the votes: with more, the address that we have stays
CHANGE_S: Final = 10 * 60.0


class ExternalAddressVote:
    def __init__(self) -> None:
        self.host: str | None = None
        self._changed_at: float | None = None
        self._votes: dict[bytes, tuple[str, str]] = {}  # by network: who said so, and what

    def add(self, voter: str, host: str, now: float) -> bool:
        """A node at `voter` says that we are at `host`. True: that changed our address."""
        network = pack_host(voter)
        key = network[:2] if len(network) == 4 else network[:4]
        self._votes.pop(key, None)
        self._votes[key] = voter, host
        if len(self._votes) > VOTES_MAX:
            del self._votes[next(iter(self._votes))]
        if host == self.host or not self._is_elected(host):
            return False
        if self._changed_at is not None and now - self._changed_at < CHANGE_S:
            return False
        self.host = host
        self._changed_at = now
        return True

    def begin_anew(self) -> None:
        """We are perhaps somewhere else: those that spoke before know nothing of it."""
        self._votes.clear()
        self._changed_at = None

    def voters(self, host: str) -> int:
        return sum(voted == host for _, voted in self._votes.values())

    def votes(self) -> dict[str, list[str]]:
        """Who voted, by the address voted for; the latest last."""
        votes: dict[str, list[str]] = {}
        for voter, host in self._votes.values():
            votes.setdefault(host, []).append(voter)
        return votes

    def _is_elected(self, host: str) -> bool:
        voters = self.voters(host)
        if voters < VOTERS_MIN or 2 * voters <= len(self._votes):
            return False
        return self.host is None or self.voters(self.host) <= KEPT * len(self._votes)
