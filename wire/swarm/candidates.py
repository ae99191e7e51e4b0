"""Addresses that may be peers of this torrent, and when to dial which (BEP 5, 11, 40; security R1,
X3).

Whoever tells an address may lie: the policy judges it, one address a host is enough, a network gets
few places from PEX, and an address that fails is left alone for longer each time, then for a day.
So nobody can turn a swarm on a victim.

Invariant: a candidate is in exactly one of *ready* (by source), *waiting* (until a time), *dialing*
or *connected*.
"""

import random
from collections.abc import Container, Iterable
from heapq import heappop, heappush
from typing import Protocol

from torrentd.wire.formats.address import (
    Address,
    AddressPolicy,
    host_key,
    network_key,
    pack_address,
)
from torrentd.wire.swarm.candidate import (
    ORDER,
    RANKS,
    RETRY_MANUAL_S_MAX,
    Candidate,
    Rank,
    Source,
)
from torrentd.wire.swarm.shunned import Shunned
from torrentd.wire.swarm.vantage import Vantage

RETRY_USEFUL_S = 10.0  # after a connection that was of use
# Who was of use is a peer, and perhaps only the network between us is away: some minutes of dials
# before it counts as a failure.
RETRY_PROVEN_S = 20.0
PROVEN_DIALS = 10
DROPPED_S = 24 * 3600.0
BAN_S = 24 * 3600.0
BANS_MAX = 10_000  # the oldest go first (X3)
PEX_PER_NETWORK_MAX = 8  # a /24 or a /48
PARKED_S = 60.0  # its host is connected already: look again in a minute


class CandidateLimits(Protocol):
    """What candidates ask of the configuration."""

    @property
    def peers_known_per_torrent_max(self) -> int:
        """Candidates at once."""

    @property
    def half_open_max(self) -> int:
        """Dials at once."""

    @property
    def dials_per_s_max(self) -> int:
        """Dials a second; as many may start together."""


class Candidates:
    """The addresses of one torrent."""

    def __init__(
        self,
        limits: CandidateLimits,
        policy: AddressPolicy,
        rng: random.Random,
        now: float = 0.0,
        vantage: Vantage | None = None,
    ) -> None:
        self._limits = limits
        self._policy = policy
        self._local_policy = AddressPolicy(allow_local=True, blocks=policy.blocks)
        self._rng = rng
        self._vantage = vantage or Vantage(0)
        self._vantage_version = self._vantage.version
        self._now = now
        # By host key, or by whole address where the policy lets many peers live on one host.
        self._known: dict[bytes, Candidate] = {}
        self._ready: dict[Rank, dict[bytes, None]] = {rank: {} for rank in RANKS}
        self._waiting: list[tuple[float, int, bytes]] = []  # a heap of (retry_at, serial, key)
        self._failed: dict[bytes, None] = {}  # those waiting that failed, longest ago first
        self._done: dict[bytes, None] = {}  # those waiting that want nothing of us, nor we of them
        self._serial = 0
        self._dialing = 0
        self._networks: dict[bytes, int] = {}  # candidates from PEX, by network
        self._bans = Shunned(BANS_MAX)
        self._dropped = Shunned(BANS_MAX)
        self._dial_tokens = float(limits.dials_per_s_max)
        self._dial_tokens_at = now

    def __len__(self) -> int:
        return len(self._known)

    def add(self, addresses: Iterable[Address], source: Source, now: float) -> int:
        """Somebody told us these. Returns how many were new to us and are kept."""
        self._now = now
        told = list(addresses)
        self._rng.shuffle(told)  # or every peer of the swarm would dial them in the same order
        return sum(self._add_one(address, source, now) for address in told)

    def source(self, address: Address) -> Source | None:
        """Who told us this address first; None when it is no candidate."""
        candidate = self._known.get(self._key(address))
        return candidate.source if candidate and candidate.address == address else None

    def next_to_dial(self, now: float, connected_hosts: Container[bytes]) -> Address | None:
        """The best address to dial now; None while there is none, or dials are too many or too
        quick. It counts as dialing until `dial_failed` or `connected`. `connected_hosts`: the
        `host_key`s of all connections; one a host is enough."""
        self._now = now
        self._refill(now)
        if self._dial_tokens < 1.0 or self._dialing >= self._limits.half_open_max:
            return None
        self._wake(now)
        for rank in RANKS:
            while self._ready[rank]:
                key = self._first(self._ready[rank])
                candidate = self._known[key]
                host = host_key(candidate.address.host)
                if host in connected_hosts and not self._shares_host(candidate.address):
                    self._wait(key, candidate, now + PARKED_S)
                    continue
                self._leave(key, candidate)
                candidate.state = "dialing"
                self._dialing += 1
                self._dial_tokens -= 1.0
                return candidate.address
        return None

    def _first(self, ready: Iterable[bytes]) -> bytes:
        """The one of greatest priority; while nobody has any, the one that came first."""
        if self._vantage_version != self._vantage.version:
            self._vantage_version = self._vantage.version
            for candidate in self._known.values():
                candidate.priority = self._vantage.priority(candidate.address)
        return max(ready, key=lambda key: self._known[key].priority)

    def next_deadline(self, now: float) -> float | None:
        """When `next_to_dial` may have an address; None: not before an input."""
        if self._dialing >= self._limits.half_open_max:
            return None
        self._refill(now)
        token_at = now + max(1.0 - self._dial_tokens, 0.0) / self._limits.dials_per_s_max
        if any(self._ready.values()):
            return token_at
        while self._waiting and not self._is_current(self._waiting[0]):
            heappop(self._waiting)
        return max(self._waiting[0][0], token_at) if self._waiting else None

    def has_untried(self) -> bool:
        """Is somebody ready of whom nothing bad is known?"""
        return any(not self._known[key].failures for source in ORDER for key in self._ready[source])

    def connected(self, address: Address) -> None:
        """A connection stands, whoever dialed. An incoming one's port is not the one to dial, so
        it may only mark its host."""
        key = self._key(address)
        candidate = self._known.get(key)
        if candidate is not None:
            self._leave(key, candidate)
            candidate.state = "connected"

    def dial_failed(self, address: Address, now: float) -> None:
        """Nobody answered, or not as a peer."""
        self._now = now
        key = self._key(address)
        candidate = self._known.get(key)
        if candidate is None or candidate.state != "dialing":
            return
        if candidate.credit:
            candidate.credit -= 1
            candidate.parted_at = now
            self._wait(key, candidate, now + RETRY_PROVEN_S)
        else:
            self._fail(key, candidate, now)

    def disconnected(self, address: Address, now: float, useful: bool) -> None:
        """A connection ended. `useful`: data or metadata came or went. One that was of no use
        counts as a failure of the address that was dialed."""
        self._now = now
        key = self._key(address)
        candidate = self._known.get(key)
        if candidate is None or candidate.state not in ("connected", "dialing"):
            return
        candidate.parted_at = now
        if useful:
            candidate.failures = 0
            candidate.credit = PROVEN_DIALS
            self._wait(key, candidate, now + RETRY_USEFUL_S)
        elif candidate.address == address:
            self._fail(key, candidate, now)
        else:
            self._wait(key, candidate, now + PARKED_S)

    def replaced(self, address: Address, now: float) -> None:
        """A connection made room for somebody who may be better."""
        self.disconnected(address, now, useful=True)
        candidate = self._known.get(self._key(address))
        if candidate is not None and candidate.state == "waiting":
            candidate.replaced = True

    def done(self, address: Address, now: float) -> None:
        """A connection ended since neither side wanted anything: it is not made again for that."""
        self._now = now
        key = self._key(address)
        candidate = self._known.get(key)
        if candidate is not None and candidate.state in ("connected", "dialing"):
            candidate.failures = 0
            manual = candidate.source == "manual"
            self._wait(key, candidate, now + (RETRY_MANUAL_S_MAX if manual else DROPPED_S))
            self._done[key] = None

    def recall(self) -> None:
        """We want more than we did: whoever was done with us is dialed again."""
        for key in list(self._done):
            self._get_ready(key, self._known[key])

    def dial_again(self, address: Address, now: float) -> None:
        """A connection ended by a fault of ours: it counts as if it had not been."""
        self._now = now
        key = self._key(address)
        candidate = self._known.get(key)
        if candidate is not None and candidate.state in ("connected", "dialing"):
            self._get_ready(key, candidate)

    def forgive(self, since: float) -> None:
        """Our own network was away since then: who failed was not at fault, and is dialed again."""
        for key, candidate in list(self._known.items()):
            if candidate.parted_at >= since:
                candidate.failures = 0
                if candidate.state == "waiting":
                    self._get_ready(key, candidate)
        self._dropped.forget_after(since + DROPPED_S)

    def forget(self, address: Address, now: float) -> None:
        """Not a peer to dial, ever: it is ourselves (W10), or not of this torrent."""
        self._now = now
        self._drop(self._key(address), now)

    def ban(self, host: str, now: float) -> None:
        """The host (an IPv4 address, an IPv6 /64) lied: no connection with it for a day (X3)."""
        self._now = now
        banned = host_key(host)
        self._bans.add(banned, now + BAN_S)
        for key, candidate in list(self._known.items()):
            if host_key(candidate.address.host) == banned:
                self._remove(key, candidate)

    def is_banned(self, host: str) -> bool:
        """As of the last input that told the time."""
        return self._bans.holds(host_key(host), self._now)

    def _key(self, address: Address) -> bytes:
        return pack_address(address) if self._shares_host(address) else host_key(address.host)

    def _shares_host(self, address: Address) -> bool:
        """In tests and closed networks many peers live on one host."""
        return self._policy.allow_local and self._policy.is_local(address.host)

    def _allows(self, address: Address, source: Source) -> bool:
        """ "LAN only from user's --peer or LSD" (R2)."""
        policy = self._local_policy if source in ("manual", "lsd") else self._policy
        return policy.allows_peer(address) and not self.is_banned(address.host)

    def _add_one(self, address: Address, source: Source, now: float) -> bool:
        if not self._allows(address, source):
            return False
        key = self._key(address)
        candidate = self._known.get(key)
        if candidate is not None:
            self._hear_again(key, candidate, address, source)
            return False
        if self._dropped.holds(key, now) and source != "manual":
            return False
        if not self._has_room(address, source):
            return False
        priority = self._vantage.priority(address)
        self._known[key] = Candidate(address, source, priority=priority)
        self._ready[source][key] = None
        if source == "pex":
            network = network_key(address.host)
            self._networks[network] = self._networks.get(network, 0) + 1
        return True

    def _hear_again(
        self, key: bytes, candidate: Candidate, address: Address, source: Source
    ) -> None:
        """The user's word replaces what we knew. Another port of a host is believed only when the
        first has failed, and inherits its failures: a host costs four dials, whatever is told."""
        if candidate.state not in ("ready", "waiting"):
            return
        if source == "manual":
            failures = 0 if candidate.source != "manual" else candidate.failures
            self._remove(key, candidate)
            self._known[key] = Candidate(address, source, failures=failures)
            self._ready[source][key] = None
        elif candidate.failures and candidate.source != "manual":
            candidate.address = address
        elif not candidate.failures and candidate.state == "ready":
            self._rank_up(key, candidate, source)

    def _rank_up(self, key: bytes, candidate: Candidate, source: Source) -> None:
        """The DHT tells what before only gossip told: it is dialed earlier."""
        if ORDER.index(source) < ORDER.index(candidate.source):
            self._remove(key, candidate)
            candidate.source = source
            self._known[key] = candidate
            self._ready[candidate.rank][key] = None

    def _has_room(self, address: Address, source: Source) -> bool:
        if source == "pex" and self._networks.get(network_key(address.host), 0) >= (
            PEX_PER_NETWORK_MAX
        ):
            return False
        if len(self._known) < self._limits.peers_known_per_torrent_max:
            return True
        return self._evict(source)

    def _evict(self, source: Source) -> bool:
        """Full: the candidate that failed longest ago goes, or one of a lesser source."""
        victims = [self._failed] if self._failed else []
        for lesser in reversed(ORDER[ORDER.index(source) + 1 :]):
            victims.append(self._ready[lesser])
        victims.append(self._ready["replaced"])
        for keys in victims:
            for key in keys:
                self._remove(key, self._known[key])
                return True
        return False

    def _refill(self, now: float) -> None:
        rate = self._limits.dials_per_s_max
        passed_s = max(now - self._dial_tokens_at, 0.0)
        self._dial_tokens = min(self._dial_tokens + passed_s * rate, float(rate))
        self._dial_tokens_at = now

    def _is_current(self, entry: tuple[float, int, bytes]) -> bool:
        """Entries of the heap are left to go stale when their candidate moves on."""
        candidate = self._known.get(entry[2])
        return (
            candidate is not None
            and candidate.state == "waiting"
            and candidate.retry_at == entry[0]
        )

    def _wake(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            entry = heappop(self._waiting)
            if self._is_current(entry):
                self._get_ready(entry[2], self._known[entry[2]])

    def _get_ready(self, key: bytes, candidate: Candidate) -> None:
        self._leave(key, candidate)
        candidate.state = "ready"
        self._ready[candidate.rank][key] = None

    def _fail(self, key: bytes, candidate: Candidate, now: float) -> None:
        candidate.failures += 1
        candidate.parted_at = now
        retry_s = candidate.retry_s()
        if retry_s is None:
            self._drop(key, now)
        else:
            self._wait(key, candidate, now + retry_s)

    def _wait(self, key: bytes, candidate: Candidate, retry_at: float) -> None:
        self._leave(key, candidate)
        candidate.state = "waiting"
        candidate.retry_at = retry_at
        if candidate.failures:
            self._failed[key] = None
        self._serial += 1
        heappush(self._waiting, (retry_at, self._serial, key))

    def _leave(self, key: bytes, candidate: Candidate) -> None:
        """Out of whatever holds candidates of its state."""
        self._ready[candidate.rank].pop(key, None)
        self._failed.pop(key, None)
        self._done.pop(key, None)
        if candidate.state == "dialing":
            self._dialing -= 1

    def _drop(self, key: bytes, now: float) -> None:
        candidate = self._known.get(key)
        if candidate is not None:
            self._remove(key, candidate)
        self._dropped.add(key, now + DROPPED_S)

    def _remove(self, key: bytes, candidate: Candidate) -> None:
        self._leave(key, candidate)
        del self._known[key]
        if candidate.source == "pex":
            network = network_key(candidate.address.host)
            self._networks[network] -= 1
            if not self._networks[network]:
                del self._networks[network]
