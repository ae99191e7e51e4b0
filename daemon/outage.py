"""Decides what to do when the machine's network goes, comes or changes. It does no I/O.

What is known of it comes from three sides: the machine's own addresses (a cable, a VPN, another
Wi-Fi), the DHT (a fault behind the router, of which nothing is told here), and two clocks of which
one goes on while the machine sleeps. Each may be the only one that hears of an outage, and each may
tell of the same one, so everything that is asked for here may safely be done twice.

    network_is, slept, silence_ended, tick  ->  list[Action]        next_deadline -> float | None
"""

from dataclasses import dataclass

from torrentd.daemon.interfaces import MachineNetwork

# Between two returns, and between more of them, until there was none for CALM_S: an interface that
# flaps costs so much and no more, and one that is there at last waits no longer.
AGAIN_S = 5.0
AGAIN_S_MAX = 20.0
CALM_S = 60.0
PROVE_S = 10.0  # after a return: a connection from which nothing came by then is dead
HEARD_MARGIN_S = 1.0  # what came right before the question counts as an answer
SLEPT_S_MIN = 5.0  # less than that is no sleep that anybody would notice


@dataclass(slots=True)
class Rebind:
    """Listen where that was not possible before, and no more at the addresses that are gone."""

    gone: frozenset[str]


@dataclass(slots=True)
class CutLinks:
    """The machine lost these addresses: connections that stand on them are dead, silently."""

    hosts: frozenset[str]


@dataclass(slots=True)
class Rejoin:
    """New UDP sockets, and everybody in the DHT is asked."""

    slept_s: float


@dataclass(slots=True)
class SearchAgain:
    """The network is back: torrents look for peers, and what failed since then is forgiven."""

    lost_at: float


@dataclass(slots=True)
class ProveLinks:
    """Say something on every connection …"""


@dataclass(slots=True)
class CutSilentLinks:
    """… and end those on which nothing came since, not even an acknowledgement: those from which
    nothing was heard for so long."""

    silent_s: float


Action = Rebind | CutLinks | Rejoin | SearchAgain | ProveLinks | CutSilentLinks


class Outage:
    """`network` is what the machine has now."""

    def __init__(self, network: MachineNetwork, now: float) -> None:
        self.network = network
        self.lost_at: float | None = None if network.is_there else now
        self._again_at, self._returned_at = now, now - CALM_S
        self._again_s = AGAIN_S
        self._slept_s = 0.0
        self._returned = False  # a return that was not acted upon yet
        self._asked_at = now  # every connection to prove itself …
        self._prove_at: float | None = None  # … until then

    def network_is(self, network: MachineNetwork, now: float, *, silent: bool) -> list[Action]:
        """As it was read just now. `silent`: nobody in the DHT answers, and the kernel told of some
        change, which is a reason to try again, whatever it was."""
        before, self.network = self.network, network
        gone: frozenset[str] = frozenset()
        if before.addresses is not None and network.addresses is not None:
            gone = before.addresses - network.addresses
        actions: list[Action] = [Rebind(gone)]
        if gone:
            actions.append(CutLinks(gone))
        if before != network and self.lost_at is None and _lost(before, network):
            self.lost_at = now
        self._returned |= _gained(before, network) or silent
        return actions + self.tick(now)

    def slept(self, duration_s: float, now: float) -> list[Action]:
        """The machine was asleep; how long the clock that goes on says."""
        if duration_s < SLEPT_S_MIN:
            return []
        self._slept_s += duration_s
        self._returned = True
        return self.tick(now)

    def silence_ended(self, since: float, now: float) -> list[Action]:
        """Somebody in the DHT answers, and nobody had since then."""
        self.lost_at = min(since, self.lost_at) if self.lost_at is not None else since
        return self._back(now)

    def tick(self, now: float) -> list[Action]:
        actions: list[Action] = []
        if self._prove_at is not None and now >= self._prove_at:
            self._prove_at = None
            actions.append(CutSilentLinks(now - self._asked_at + HEARD_MARGIN_S))
        if self._returned and now >= self._again_at:
            self._returned = False
            is_calm = now - self._returned_at >= CALM_S
            self._again_s = AGAIN_S if is_calm else min(2 * self._again_s, AGAIN_S_MAX)
            self._returned_at, self._again_at = now, now + self._again_s
            actions.append(Rejoin(self._slept_s))
            self._slept_s = 0.0
            actions += self._back(now)
        return actions

    def next_deadline(self) -> float | None:
        deadlines = [self._prove_at, self._again_at if self._returned else None]
        return min((at for at in deadlines if at is not None), default=None)

    def _back(self, now: float) -> list[Action]:
        lost_at = now if self.lost_at is None else self.lost_at
        if self.network.is_there:
            self.lost_at = None
        if self._prove_at is None:
            self._asked_at, self._prove_at = now, now + PROVE_S
        return [SearchAgain(lost_at), ProveLinks()]


def _lost(before: MachineNetwork, after: MachineNetwork) -> bool:
    if not before.reachable <= after.reachable:
        return True
    pairs = zip(before.sources, after.sources, strict=True)
    return any(old is not None and new is None for old, new in pairs)


def _gained(before: MachineNetwork, after: MachineNetwork) -> bool:
    """Others can be reached from an address from which they could not be."""
    if not after.reachable <= before.reachable:
        return True
    pairs = zip(before.sources, after.sources, strict=True)
    return any(new is not None and new != old for old, new in pairs)
