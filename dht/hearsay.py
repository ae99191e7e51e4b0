"""Addresses that others name: which of them are asked, and which told on (BEP 5; BEP 42 for what is
our own). One policy for all of them, whoever names them."""

from typing import Final

from torrentd.dht.network import Network
from torrentd.dht.node_id import NodeId
from torrentd.dht.stats import DhtStats, Family
from torrentd.wire.formats.address import Address, AddressPolicy, is_ipv6


class Hearsay:
    """What is left out is counted in `stats`."""

    def __init__(
        self,
        networks: dict[Family, Network],
        policy: AddressPolicy,
        listen_port: int,
        stats: DhtStats,
    ) -> None:
        self._networks: Final = networks
        self._policy: Final = policy
        self._listen_port: Final = listen_port
        self._stats: Final = stats

    def may_ask(self, address: Address) -> bool:
        return (
            self._network_of(address) is not None
            and self._policy.allows_node(address)
            and not self.is_own(address)
        )

    def is_own(self, address: Address) -> bool:
        """Our own address, as far as others told us which it is; our own announce, found again."""
        if address.port != self._listen_port:
            return False
        network = self._network_of(address)
        return network is not None and address.host == network.vote.host

    def nodes(self, named: list[tuple[NodeId, Address]]) -> list[tuple[NodeId, Address]]:
        """Each address once, past the policy, and not ourselves."""
        usable: dict[Address, NodeId] = {}
        for node_id, address in named:
            network = self._network_of(address)
            if network is None or not self.may_ask(address) or node_id == network.own_id:
                self._stats.addresses_refused += 1
            elif address not in usable:
                usable[address] = node_id
        return [(node_id, address) for address, node_id in usable.items()]

    def peers(self, named: list[Address]) -> list[Address]:
        """Past the policy, and not ourselves."""
        usable = [
            peer for peer in named if self._policy.allows_peer(peer) and not self.is_own(peer)
        ]
        self._stats.addresses_refused += len(named) - len(usable)
        return usable

    def _network_of(self, address: Address) -> Network | None:
        return self._networks.get("ipv6" if is_ipv6(address.host) else "ipv4")
