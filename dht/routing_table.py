"""RoutingTable: the contacts we keep, many near our own id and few far away (BEP 5, 32, 42).

A `kademlia.routing.RoutingTable`. From it come the sorted list of buckets and the walk over them;
overridden is what is wrong for BEP 5 or can be abused: `find_neighbors` (not exact),
`get_bucket_for` (off by one at a midpoint, linear), `add_contact` (splits foreign buckets without
end, sends by itself), `split_bucket` and `lonely_buckets` (an hour instead of 15 minutes).

Invariants: the buckets partition the id space in ascending order; only the one that holds our id
was ever split; an id, an address and (outside a local network) an IPv4 /24 or IPv6 /48 is there
once. Nothing enters that has not answered a query of ours, except from a snapshot.

The table never sends: where a node should be pinged, it is returned, and it is then the one ping of
its bucket until `replied`, `failed` or `ping_not_sent` is called.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from kademlia.node import Node
from kademlia.routing import RoutingTable as KademliaRoutingTable

from torrentd.dht.bucket import BUCKET_SIZE, REFRESH_S, Bucket
from torrentd.dht.contact import FAILURES_BAD, Contact, NodeState
from torrentd.dht.good_nodes import GoodNodes
from torrentd.dht.node_id import ID_BITS, NodeId
from torrentd.dht.rate_limit import PROVEN_S
from torrentd.wire.formats.address import Address, AddressPolicy, network_key
from torrentd.wire.formats.ids import ID_BYTES

RENEW_S: Final = PROVEN_S / 2


class RoutingTable(KademliaRoutingTable):  # type: ignore[misc]  # kademlia is untyped
    buckets: list[Bucket]

    def __init__(self, own_id: NodeId, policy: AddressPolicy, now: float) -> None:
        self.own_id: Final = own_id
        self._policy: Final = policy
        self._created_at: Final = now
        self._lows: list[int] = []
        self._by_address: dict[Address, Contact] = {}
        self._by_network: dict[bytes, Contact] = {}
        self.id_mismatches = 0
        self.good_nodes: Final = GoodNodes(self)
        self._roomy: list[bool] | None = None  # by the first byte of an id; None: to be found out
        super().__init__(None, BUCKET_SIZE, Node(own_id))

    def flush(self) -> None:
        """An empty table "has only one bucket so any node must fit within it"."""
        self.buckets = [Bucket(0, 0, self._created_at)]
        self._lows = [0]
        self._roomy = None
        self.good_nodes.clear()
        self._by_address.clear()
        self._by_network.clear()

    # What the network tells.

    def replied(
        self,
        node_id: NodeId,
        address: Address,
        now: float,
        rtt_s: float | None,
        vouched: bool = False,
    ) -> Contact | None:
        """A node answered a query of ours: insert it or mark it good. Returns whom to ping."""
        if node_id == self.own_id:
            return None
        known = self._by_address.get(address)
        if known is None:
            contact = Contact(node_id, address)
            contact.replied(now, rtt_s)
            contact.vouched = vouched
            return self.add_contact(contact, now)
        if known.id != node_id:  # an address that changes its id may be anyone: start from nothing
            self.id_mismatches += 1
            bucket = self.bucket_of(known)
            self.remove_contact(known)
            return self._next_ping(bucket, now)
        bucket = self.bucket_of(known)
        if known.state(now) is not NodeState.GOOD:
            self._changed(bucket)
        known.replied(now, rtt_s)
        known.vouched |= vouched
        if bucket.pinged == known.id:
            bucket.pinged = None
        if known.id not in bucket.nodes:
            return self.add_contact(known, now)
        bucket.nodes.move_to_end(known.id)
        bucket.changed(now)
        return self._next_ping(bucket, now) if bucket.replacement_nodes else None

    def failed(self, address: Address, now: float) -> Contact | None:
        """A query of ours to it timed out. Returns whom to ping next: the same node "once more", or
        the next questionable one of a bucket that has a replacement waiting."""
        contact = self._by_address.get(address)
        if contact is None:
            return None
        contact.failures += 1
        bucket = self.bucket_of(contact)
        self._changed(bucket)
        if bucket.pinged == contact.id:
            bucket.pinged = None
        if contact.failures >= FAILURES_BAD and (
            bucket.replacement_nodes or contact.id not in bucket.nodes
        ):
            self.remove_contact(contact)
            bucket.changed(now)
        return self._next_ping(bucket, now) if bucket.replacement_nodes else None

    def queried(self, node_id: bytes, address: Address, now: float) -> None:
        """A node asked us something: that keeps a known one good, and brings in no new one."""
        contact = self._by_address.get(address)
        if contact is not None and contact.id == node_id:
            if contact.state(now) is not NodeState.GOOD:
                self._changed(self.bucket_of(contact))
            contact.last_queried_at = now

    def ping_not_sent(self, contact: Contact) -> None:
        bucket = self.bucket_of(contact)
        if bucket.pinged == contact.id:
            bucket.pinged = None

    # Changes.

    def add_contact(self, contact: Contact, now: float) -> Contact | None:
        """Place a contact by the rules of BEP 5. Returns whom to ping, to make room for it."""
        holder = self._holder(contact)
        if holder is not None:
            if self._is_kept(holder):
                return self._ping_if_questionable(holder, now)
            self.remove_contact(holder)
        bucket = self.bucket_of(contact)
        while bucket.is_full and contact.id not in bucket.nodes:
            leaving = bucket.node_to_replace(contact)
            if leaving is not None:
                self._replace(bucket, leaving, contact)
            elif bucket.has_in_range(self.node) and bucket.bits < ID_BITS - 1:
                self.split_bucket(self.get_bucket_for(contact), now)
                bucket = self.bucket_of(contact)
            else:
                return self._wait(bucket, contact, now)
        bucket.add_node(contact)
        bucket.changed(now)
        self._changed(bucket)
        self._index(contact)
        return None

    def restore(self, contact: Contact, now: float) -> None:
        """Insert a contact of a snapshot, if there is room for it: it has proven nothing yet."""
        if contact.id == self.own_id or self._holder(contact) is not None:
            return
        bucket = self.bucket_of(contact)
        while bucket.is_full and bucket.has_in_range(self.node) and bucket.bits < ID_BITS - 1:
            self.split_bucket(self.get_bucket_for(contact), now)
            bucket = self.bucket_of(contact)
        if bucket.add_node(contact):
            self._changed(bucket)
            self._index(contact)

    def remove_contact(self, contact: Contact) -> None:
        bucket = self.bucket_of(contact)
        bucket.remove_node(contact)
        self._changed(bucket)
        if self._by_address.get(contact.address) is contact:
            del self._by_address[contact.address]
        if self._by_network.get(contact.network) is contact:
            del self._by_network[contact.network]

    def split_bucket(self, index: int, now: float) -> None:
        self._changed(self.buckets[index])
        one, two = self.buckets[index].split(now)
        self.buckets[index : index + 1] = [one, two]
        self._lows.insert(index + 1, two.range[0])

    # Questions.

    def get_bucket_for(self, node: Node) -> int:
        """Index of the bucket in whose range the node's id lies."""
        return bisect_right(self._lows, node.long_id) - 1

    def bucket_of(self, contact: Contact) -> Bucket:
        return self.buckets[bisect_right(self._lows, contact.long_id) - 1]

    def is_new_node(self, node: Node) -> bool:
        return node.id not in self.buckets[self.get_bucket_for(node)].nodes

    def closest_nodes(
        self, target: bytes, count: int, now: float, *, good_only: bool
    ) -> list[Contact]:
        """The `count` contacts closest to `target`, closest first, exactly: without the bad ones,
        or only the good ones, which is what other nodes are told."""
        key = int.from_bytes(target, "big")
        found: list[Contact] = []
        for bucket in self._buckets_by_distance(key):
            found += [
                contact
                for contact in bucket.nodes.values()
                if contact.failures < FAILURES_BAD
                and (not good_only or contact.state(now) is NodeState.GOOD)
            ]
            if len(found) >= count:
                break
        found.sort(key=lambda contact: contact.long_id ^ key)
        return found[:count]

    def find_neighbors(
        self, node: Node, k: int | None = None, exclude: Node | None = None
    ) -> list[Contact]:
        """The base class's question, answered exactly: states do not matter here."""
        ordered = sorted(self, key=lambda contact: contact.long_id ^ node.long_id)
        return [
            contact
            for contact in ordered
            if contact.id != node.id and (exclude is None or not contact.same_home_as(exclude))
        ][: k or self.ksize]

    def has_room(self, node_id: bytes, address: Address) -> bool:
        """Could a node of this id and address enter its bucket now? Cheap: it is asked for
        every query that comes."""
        if self._roomy is None:
            self._roomy = self._roomy_bytes()
        if not self._roomy[node_id[0]] or address in self._by_address or node_id == self.own_id:
            return False
        if network_key(address.host) in self._by_network and not self._is_exempt(address.host):
            return False
        key = int.from_bytes(node_id, "big")
        return self._is_roomy(self.buckets[bisect_right(self._lows, key) - 1])

    def at(self, address: Address) -> Contact | None:
        return self._by_address.get(address)

    def reprieve(self) -> None:
        """There was an outage: what failed, whoever it was, is asked once more before it is bad."""
        for contact in self:
            contact.failures = min(contact.failures, FAILURES_BAD - 1)

    def age(self, duration_s: float) -> None:
        """So much time passed beside the clock, while the machine slept."""
        for contact in self._by_address.values():
            if contact.last_replied_at is not None:
                contact.last_replied_at -= duration_s
            if contact.last_queried_at is not None:
                contact.last_queried_at -= duration_s

    def __iter__(self) -> Iterator[Contact]:
        """Every contact but the replacements, in the order of the id space."""
        for bucket in self.buckets:
            yield from bucket.nodes.values()

    @property
    def is_empty(self) -> bool:
        return not self._by_address

    def __len__(self) -> int:
        return sum(len(bucket.nodes) for bucket in self.buckets)

    def count(self, state: NodeState, now: float) -> int:
        return sum(contact.state(now) is state for contact in self)

    # Upkeep.

    def lonely_buckets(self, now: float) -> list[Bucket]:
        """Those "that have not been changed in 15 minutes"."""
        return [bucket for bucket in self.buckets if now - bucket.last_changed >= REFRESH_S]

    def refresh_target(self, bucket: Bucket, rng: random.Random) -> NodeId:
        """ "A random ID in the range of the bucket"."""
        low, high = bucket.range
        return NodeId(rng.randint(low, high).to_bytes(ID_BYTES, "big"))

    def questionable_to_ping(self, now: float) -> Contact | None:
        """The questionable node not heard of for longest, to keep the table fresh."""
        candidates = [
            contact for bucket in self.buckets if (contact := bucket.node_to_ping(now)) is not None
        ]
        if not candidates:
            return None
        contact = min(candidates, key=lambda c: (c.failures, c.last_replied_at or 0.0, c.id))
        self.bucket_of(contact).pinged = contact.id
        return contact

    def proof_to_renew(self, now: float) -> Contact | None:
        """A node that asks us again and again is good without a ping, but its address is proven
        only by answers: of those, the one whose last answer is oldest, before the proof ends."""
        candidates = [
            contact
            for bucket in self.buckets
            if bucket.pinged is None
            for contact in bucket.nodes.values()
            if contact.state(now) is NodeState.GOOD
            and contact.last_replied_at is not None
            and contact.heard_at > contact.last_replied_at
            and now - contact.last_replied_at >= RENEW_S
        ]
        if not candidates:
            return None
        contact = min(candidates, key=lambda c: (c.last_replied_at or 0.0, c.id))
        self.bucket_of(contact).pinged = contact.id
        return contact

    # Parts.

    def _holder(self, contact: Contact) -> Contact | None:
        """Who has its id, or, outside a local network, its neighbourhood, and is not itself."""
        bucket = self.bucket_of(contact)
        same_id = bucket.nodes.get(contact.id) or bucket.replacement_nodes.get(contact.id)
        if same_id is not None and same_id is not contact:
            return same_id
        if self._is_exempt(contact.ip):
            return None
        neighbour = self._by_network.get(contact.network)
        return neighbour if neighbour is not contact else None

    def _is_exempt(self, host: str) -> bool:
        """A private DHT has many nodes on one machine."""
        return self._policy.allow_local and self._policy.is_local(host)

    def _changed(self, bucket: Bucket) -> None:
        """Called whenever somebody came, left, or became good or bad: what is remembered of it is
        forgotten."""
        self._roomy = None
        self.good_nodes.changed(bucket)

    def _roomy_bytes(self) -> list[bool]:
        """For each first byte of an id: may such an id find room? Most may not."""
        found = [False] * 256
        for bucket in self.buckets:
            if self._is_roomy(bucket):
                low, high = (end >> ID_BITS - 8 for end in bucket.range)
                found[low : high + 1] = [True] * (high + 1 - low)
        return found

    def _is_roomy(self, bucket: Bucket) -> bool:
        return (
            not bucket.is_full
            or bool(bucket.has_in_range(self.node))
            or any(contact.failures >= FAILURES_BAD for contact in bucket.nodes.values())
        )

    def _is_kept(self, holder: Contact) -> bool:
        return holder.failures < FAILURES_BAD and holder.id in self.bucket_of(holder).nodes

    def _replace(self, bucket: Bucket, leaving: Contact, newcomer: Contact) -> None:
        """Put the newcomer exactly where the leaving one was, before any replacement can."""
        self._unindex(newcomer)
        bucket.replacement_nodes.pop(newcomer.id, None)
        bucket.nodes.pop(leaving.id)
        bucket.nodes[newcomer.id] = newcomer
        if bucket.pinged == leaving.id:
            bucket.pinged = None
        self._unindex(leaving)

    def _wait(self, bucket: Bucket, contact: Contact, now: float) -> Contact | None:
        """The bucket is full: the newcomer waits if a questionable node may yet make room; "when
        the bucket is full of good nodes, the new node is simply discarded"."""
        if all(node.state(now) is NodeState.GOOD for node in bucket.nodes.values()):
            bucket.replacement_nodes.pop(contact.id, None)
            self._unindex(contact)
            return None
        dropped = bucket.keep_replacement(contact)
        self._index(contact)
        if dropped is not None:
            self._unindex(dropped)
        return self._next_ping(bucket, now)

    def _next_ping(self, bucket: Bucket, now: float) -> Contact | None:
        contact = bucket.node_to_ping(now)
        if contact is not None:
            bucket.pinged = contact.id
        return contact

    def _ping_if_questionable(self, contact: Contact, now: float) -> Contact | None:
        bucket = self.bucket_of(contact)
        if bucket.pinged is not None or contact.state(now) is not NodeState.QUESTIONABLE:
            return None
        bucket.pinged = contact.id
        return contact

    def _index(self, contact: Contact) -> None:
        self._by_address[contact.address] = contact
        self._by_network[contact.network] = contact

    def _unindex(self, contact: Contact) -> None:
        if self._by_address.get(contact.address) is contact:
            del self._by_address[contact.address]
        if self._by_network.get(contact.network) is contact:
            del self._by_network[contact.network]

    def _buckets_by_distance(self, key: int) -> list[Bucket]:
        """Nearest range first: ranges are prefixes, so none lies within another's distances."""
        return sorted(
            self.buckets,
            key=lambda bucket: (
                (bucket.range[0] ^ key) >> (ID_BITS - bucket.bits) << (ID_BITS - bucket.bits)
            ),
        )
