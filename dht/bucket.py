"""Bucket: up to eight contacts of one range of ids (BEP 5, Routing Table).

A `kademlia.routing.KBucket`, from which come the two ordered dicts (`nodes`, least recently seen
first, and `replacement_nodes`), `has_in_range` and the order of a bucket. Overridden: the clock,
the split (theirs makes plain KBuckets), what a full bucket does, and removal (theirs promotes the
newest replacement, whatever is known of it).

Invariant: every id in `nodes` and `replacement_nodes` lies in `range` and shares `bits` bits.
"""

from collections import OrderedDict
from typing import Final

from kademlia.routing import KBucket

from torrentd.dht.contact import FAILURES_BAD, Contact, NodeState
from torrentd.dht.node_id import ID_BITS

BUCKET_SIZE: Final = 8  # K of BEP 5
REFRESH_S: Final = 15 * 60.0  # BEP 5: not changed in 15 minutes, "refreshed"


class Bucket(KBucket):  # type: ignore[misc]  # kademlia is untyped
    """Ids from `range[0]` to `range[1]`, both included; `last_changed` as BEP 5 has it."""

    range: tuple[int, int]
    nodes: OrderedDict[bytes, Contact]
    replacement_nodes: OrderedDict[bytes, Contact]
    ksize: int
    last_updated: float

    def __init__(self, low: int, bits: int, now: float) -> None:
        high = low + (1 << (ID_BITS - bits)) - 1
        super().__init__(low, high, BUCKET_SIZE, replacementNodeFactor=1)
        self.bits: Final = bits
        self.last_updated = now
        self.pinged: bytes | None = None  # the one node of this bucket whose ping is under way

    def touch_last_updated(self) -> None:
        """Called by the base class's constructor, which would read a clock."""

    @property
    def last_changed(self) -> float:
        return self.last_updated

    def changed(self, now: float) -> None:
        self.last_updated = now

    @property
    def is_full(self) -> bool:
        return len(self.nodes) >= self.ksize

    def split(self, now: float) -> tuple["Bucket", "Bucket"]:
        """Two buckets "each with half the range of the old"; what is in flight is forgotten."""
        low, _ = self.range
        middle = low + (1 << (ID_BITS - self.bits - 1))
        halves = (Bucket(low, self.bits + 1, now), Bucket(middle, self.bits + 1, now))
        for contact in self.nodes.values():
            halves[contact.long_id >= middle].nodes[contact.id] = contact
        for contact in self.replacement_nodes.values():
            halves[contact.long_id >= middle].replacement_nodes[contact.id] = contact
        for half in halves:
            half.last_updated = self.last_updated
            half.fill()
        return halves

    def add_node(self, contact: Contact) -> bool:
        """Append it as the most recently seen. False, and nothing done, if the bucket is full."""
        if contact.id not in self.nodes and self.is_full:
            return False
        self.replacement_nodes.pop(contact.id, None)
        self.nodes.pop(contact.id, None)
        self.nodes[contact.id] = contact
        return True

    def keep_replacement(self, contact: Contact) -> Contact | None:
        """Keep it for the day a node fails; the oldest kept one makes room, and is returned."""
        self.replacement_nodes.pop(contact.id, None)
        self.replacement_nodes[contact.id] = contact
        if len(self.replacement_nodes) <= self.max_replacement_nodes:
            return None
        return self.replacement_nodes.popitem(last=False)[1]

    def remove_node(self, contact: Contact) -> None:
        """Remove it wherever it is, and let a replacement take its place."""
        self.replacement_nodes.pop(contact.id, None)
        if self.nodes.pop(contact.id, None) is not None:
            self.fill()
        if self.pinged == contact.id:
            self.pinged = None

    def fill(self) -> None:
        """Free places go to the replacements, the newest first: each has answered us once."""
        while self.replacement_nodes and not self.is_full:
            _, contact = self.replacement_nodes.popitem()
            self.nodes[contact.id] = contact

    def node_to_replace(self, newcomer: Contact) -> Contact | None:
        """Whose place a newcomer may take at once: a bad node's, else, if the newcomer's id follows
        BEP 42, that of the least recently seen one whose id does not, else, if something speaks for
        the newcomer, that of the least recently seen one for which nothing does."""
        for contact in self.nodes.values():
            if contact.failures >= FAILURES_BAD:
                return contact
        if newcomer.fits_host:
            for contact in self.nodes.values():
                if not contact.fits_host:
                    return contact
        if newcomer.vouched:
            for contact in self.nodes.values():
                if not contact.vouched:
                    return contact
        return None

    def node_to_ping(self, now: float) -> Contact | None:
        """ "The least recently seen" questionable node, unless one is being pinged."""
        if self.pinged is not None:
            return None
        for contact in self.nodes.values():
            if contact.state(now) is NodeState.QUESTIONABLE:
                return contact
        return None
