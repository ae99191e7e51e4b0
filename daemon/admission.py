"""Who may connect: counted at accept, before anything is built for a stranger (C2, O1)."""

import resource

from torrentd.config.schema import Limits
from torrentd.wire.formats.address import AddressPolicy, host_key, network_key

# One /24 (or /48) is one household or one data centre.
CONNECTIONS_PER_NETWORK_MAX = 8
# File descriptors that stay free of peers: control socket, state files, DHT, the interpreter.
DESCRIPTORS_RESERVED = 64
BURST_S = 2.0


def descriptors_max() -> int:
    """How many files this process may open: the soft limit, raised as far as that is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or soft < hard:
        wanted = hard if hard != resource.RLIM_INFINITY else 65536
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):
            pass
    return soft


def connections_budget(limits: Limits, descriptors: int) -> int:
    """Peers get at most half of the descriptors that are not reserved (O1)."""
    return max(1, min(limits.connections_max, (descriptors - DESCRIPTORS_RESERVED) // 2))


class TokenBucket:
    """At most `rate_per_s`, saved up for BURST_S."""

    __slots__ = ("_at", "_tokens", "rate_per_s")

    def __init__(self, rate_per_s: float, now: float) -> None:
        self.rate_per_s = rate_per_s
        self._tokens = rate_per_s * BURST_S
        self._at = now

    def take(self, now: float) -> float:
        """0.0 and one token is taken; or the seconds until there is one."""
        wait_s = self.wait_s(now)
        if not wait_s:
            self._tokens -= 1.0
        return wait_s

    def wait_s(self, now: float) -> float:
        """The seconds until there is a token; 0.0 when there is one."""
        self._tokens = min(
            self._tokens + (now - self._at) * self.rate_per_s, self.rate_per_s * BURST_S
        )
        self._at = now
        return max(1.0 - self._tokens, 0.0) / self.rate_per_s


class Admission:
    """Counts every connection, in or out, by address and by network."""

    def __init__(self, limits: Limits, policy: AddressPolicy, connections_max: int) -> None:
        self.connections = 0
        self.refused = 0
        self.connections_max = connections_max
        self._per_address_max = limits.connections_per_address_max
        self._policy = policy
        self._hosts: dict[bytes, int] = {}
        self._networks: dict[bytes, int] = {}

    @property
    def full(self) -> bool:
        return self.connections >= self.connections_max

    def admits(self, host: str) -> bool:
        """May a stranger at `host` connect? A test network (allow_local) shares few addresses."""
        if self.full or self.is_blocked(host):
            return False
        if self._policy.allow_local and self._policy.is_local(host):
            return True
        if self._hosts.get(host_key(host), 0) >= self._per_address_max:
            return False
        return self._networks.get(network_key(host), 0) < CONNECTIONS_PER_NETWORK_MAX

    def is_blocked(self, host: str) -> bool:
        return self._policy.is_blocked(host)

    def enter(self, host: str) -> None:
        self.connections += 1
        for counts, key in ((self._hosts, host_key(host)), (self._networks, network_key(host))):
            counts[key] = counts.get(key, 0) + 1

    def leave(self, host: str) -> None:
        assert self.connections > 0
        self.connections -= 1
        for counts, key in ((self._hosts, host_key(host)), (self._networks, network_key(host))):
            counts[key] -= 1
            if not counts[key]:
                del counts[key]
