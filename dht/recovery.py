"""Recovery: back into the DHT after the network was away (BEP 5, BEP 32: each family by itself).

Who answered before is still the best hint of who will answer again, so a rejoin asks everybody: the
whole routing table, those that an outage made bad among them, and all addresses that were named to
us (bootstrap hosts as they resolved last, PORT messages, the `nodes` of torrents), while the owner
opens new sockets and resolves the bootstrap hosts again. What failed during the outage was nobody's
fault: it is questionable afterwards, and asked once more.
"""

from typing import Final

from torrentd.dht.asker import Asker
from torrentd.dht.contact import NodeState
from torrentd.dht.network import Network
from torrentd.dht.outputs import BootstrapWanted, Output, RejoinBegan, SilenceEnded
from torrentd.dht.searches import Searches
from torrentd.dht.stats import Family
from torrentd.wire.formats.address import Address, is_ipv6

NAMED_MAX: Final = 64  # addresses that were named to us; the oldest is forgotten first
BRIEF_S: Final = 5.0  # a start that takes no longer is an ordinary one


class Recovery:
    def __init__(self, networks: dict[Family, Network], searches: Searches, asker: Asker) -> None:
        self._networks: Final = networks
        self._searches: Final = searches
        self._asker: Final = asker
        self._named: dict[Address, None] = {}

    def remember(self, addresses: list[Address]) -> None:
        """Nodes are said to be there."""
        for address in addresses:
            self._named.pop(address, None)
            self._named[address] = None
            if len(self._named) > NAMED_MAX:
                del self._named[next(iter(self._named))]

    def named(self) -> list[Address]:
        return list(self._named)

    def answered(self, network: Network, now: float) -> list[Output]:
        """A node of this family answered a query of ours."""
        since = network.health.answered(now)
        if since is None or now - since < BRIEF_S:
            return []
        network.table.reprieve()
        return [SilenceEnded(network.family, since), *self._searches.join(network, [], now)]

    def tick(self, now: float) -> list[Output]:
        out: list[Output] = []
        for network in self._networks.values():
            health = network.health
            if not health.is_check_due(now):
                continue
            advice = health.check(now, network.table.count(NodeState.GOOD, now))
            if advice == "ping":
                out += self._ping(network, now)
            elif advice == "rejoin" and not self._is_absent(network):
                out.append(RejoinBegan(network.family, health.silent_since))
                out += self._rejoin(network, now)
        return out

    @property
    def online_since(self) -> float | None:
        """Since when nodes of either family answer us; None while nobody does."""
        since = [network.health.online_since for network in self._networks.values()]
        return min((at for at in since if at is not None), default=None)

    def nobody_answers(self) -> bool:
        return all(network.health.silent_since is not None for network in self._networks.values())

    def rejoin(self, now: float, slept_s: float = 0.0) -> list[Output]:
        """The machine's network is another one, or the machine slept: our address, and with it our
        id, may be others, and nothing that was known is sure."""
        out: list[Output] = []
        for network in self._networks.values():
            network.health.restart(now)
            network.vote.begin_anew()
            network.age(slept_s)
            out += self._rejoin(network, now)
        return out

    def next_deadline(self) -> float:
        return min(network.health.next_deadline() for network in self._networks.values())

    def _is_absent(self, network: Network) -> bool:
        """A family that never answered while the other does: this machine does not have it."""
        return network.health.state == "joining" and not self.nobody_answers()

    def _rejoin(self, network: Network, now: float) -> list[Output]:
        network.bootstrap_soon(now)
        named = [a for a in self._named if is_ipv6(a.host) == (network.family == "ipv6")]
        return [BootstrapWanted(), *self._searches.join(network, named, now)]

    def _ping(self, network: Network, now: float) -> list[Output]:
        """Those that answered last come first; each time another one."""
        known = sorted(network.table, key=lambda c: (-(c.last_replied_at or 0.0), c.id))
        if not known:
            return []
        contact = known[(network.health.probes - 1) % len(known)]
        return self._asker.ping(contact.address, now)
