"""Items of others found, and items put where they will be looked for (BEP 44).

A node may send anything: a value counts when its hash, or its key and salt, is what was looked for
and its signature verifies. Of a mutable item the highest `seq` wins.
"""

from typing import Final

from torrentd.dht.bucket import BUCKET_SIZE
from torrentd.dht.candidate import Candidate
from torrentd.dht.item_messages import item_values, mutable_item
from torrentd.dht.items import SEQ_MAX, VALUE_BYTES_MAX, ImmutableItem, Item, MutableItem
from torrentd.dht.krpc import Response
from torrentd.dht.outputs import ItemEnded, Output, PutEnded
from torrentd.dht.search import Search
from torrentd.dht.signatures import Signatures
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import Bencoded, encode, get_int

COPIES_ENOUGH: Final = 8  # "They find more than 8 copies of the data"


class ItemGet(Search):
    """`salt` is part of what a mutable item is looked for under, and never told by the nodes. An
    immutable item ends the search at once: there can be no other."""

    method = b"get"

    def __init__(self, target: bytes, salt: bytes, signatures: Signatures) -> None:
        super().__init__(target)
        self.found: Item | None = None
        self._salt: Final = salt
        self._signatures: Final = signatures
        self._holders: dict[Candidate, int] = {}  # who has which seq; 0 for an immutable item

    def query(self, candidate: Candidate, now: float) -> tuple[bytes, dict[bytes, Bencoded]]:
        return self.method, {b"target": self.target}

    def heard(
        self, candidate: Candidate, response: Response, peers: list[Address], now: float
    ) -> list[Output]:
        values = response.values
        seq = get_int(values, b"seq", 0, SEQ_MAX)
        if seq is not None:
            self._holders[candidate] = seq  # perhaps without the value, which did not fit
        item = self._decode(values) if b"v" in values else None
        if isinstance(item, MutableItem):
            self._take(item, now)
        elif item is not None:
            self._holders[candidate] = 0
            self.found = item
            self.found_immutable()
        return []

    def found_immutable(self) -> None:
        for lookup in self.lookups:
            lookup.is_over = True

    @property
    def copies(self) -> int:
        """How many nodes have the newest."""
        return sum(self._holds(candidate) for candidate in self._holders)

    @property
    def is_spread(self) -> bool:
        """BEP 44, Expiration: enough nodes have it, all of the closest among them, so that nobody
        needs to put it again."""
        closest = [
            candidate
            for lookup in self.lookups
            for candidate in lookup.closest()
            if candidate.token is not None
        ]
        return (
            self.copies > COPIES_ENOUGH
            and len(closest) >= BUCKET_SIZE
            and all(self._holds(candidate) for candidate in closest)
        )

    def ended(self) -> Output:
        return ItemEnded(self.target, self.found, self.copies, self.responses)

    def _decode(self, values: dict[bytes, Bencoded]) -> Item | None:
        """Whatever is named by the target; its signature is not verified."""
        value = encode(values[b"v"])
        if len(value) > VALUE_BYTES_MAX:
            return None
        item: Item | None = ImmutableItem(value)
        if b"k" in values:
            item = mutable_item(values, self._salt, value)
        return item if item is not None and item.target == self.target else None

    def _take(self, item: MutableItem, now: float) -> None:
        """Verified only when it would be the newest: most nodes send the same."""
        best = self.found
        if isinstance(best, MutableItem) and item.seq <= best.seq:
            return
        if self._signatures.verify(item, now, for_others=False):
            self.found = item

    def _holds(self, candidate: Candidate) -> bool:
        newest = self.found.seq if isinstance(self.found, MutableItem) else 0
        return self.found is not None and self._holders.get(candidate) == newest


class ItemPut(ItemGet):
    """Looks for what is there, and puts `item` to the closest nodes. `cas`: only in place of the
    item of this number. `if_needed`: not where enough nodes have it already."""

    last_method = b"put"
    waits_for_last = True

    def __init__(
        self,
        item: Item,
        signatures: Signatures,
        *,
        cas: int | None = None,
        if_needed: bool = False,
    ) -> None:
        salt = item.salt if isinstance(item, MutableItem) else b""
        super().__init__(item.target, salt, signatures)
        self._item: Final = item
        self._cas: Final = cas
        self._if_needed: Final = if_needed

    @property
    def key(self) -> tuple[type[Search], bytes]:
        return type(self), put_key(self._item)

    def found_immutable(self) -> None:
        """The search goes on, to the nodes that shall have it too."""

    def last_queries(self) -> list[tuple[Candidate, dict[bytes, Bencoded]]]:
        """BEP 44: `cas` is not for "a node that did not return any data for the get"."""
        if self._if_needed and self.found == self._item and self.is_spread:
            return []
        arguments = item_values(self._item)
        if self._salt:
            arguments[b"salt"] = self._salt
        return [
            (candidate, {**arguments, **self._cas_for(candidate), b"token": candidate.token})
            for lookup in self.lookups
            for candidate in lookup.closest()
            if candidate.token is not None
        ]

    def ended(self) -> Output:
        found = self.found if self.found != self._item else None
        return PutEnded(self._item, self.confirmed, list(self.refusals), self.copies, found)

    def _cas_for(self, candidate: Candidate) -> dict[bytes, Bencoded]:
        if self._cas is None or candidate not in self._holders:
            return {}
        return {b"cas": self._cas}


def put_key(item: Item) -> bytes:
    """Two puts under one name are two searches when they put different things."""
    return item.signature if isinstance(item, MutableItem) else item.target
