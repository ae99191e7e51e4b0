"""Vouching: which nodes of the table were found, not merely met (BEP 5, Routing Table; D10, D11).

Whoever answers may enter the table while there is room, and those who lie in company answer first:
where a fifth of all nodes named only each other, nine of ten places were theirs after a join. What
they cannot shift is who is closest to a target of our choice, once everybody was heard. So lookups
of random targets go on, one in a few seconds, as long as a full bucket holds others; the closest
two of each are asked once more, and under the same id they take the place of a node for which
nothing speaks. Five minutes later a quarter were liars, as chance would have it, since only ids
that follow BEP 42 count (tests/sim/test_joining.py).
"""

from typing import Final

from torrentd.dht.bucket import BUCKET_SIZE, Bucket
from torrentd.dht.candidate import Candidate
from torrentd.dht.node_id import NodeId
from torrentd.wire.formats.address import Address

VOUCH_S: Final = 5.0  # between two lookups: a table of 16 buckets is through in five minutes
LOOKUPS_MAX: Final = BUCKET_SIZE  # for one bucket, between two lookups of our own id
FOUND_PER_LOOKUP: Final = 2  # spread over the bucket: near one target they would be of less use
FOUND_MAX: Final = 16


class Vouching:
    def __init__(self, now: float) -> None:
        self._next_at = now
        self._lookups: dict[int, int] = {}  # by the low end of a bucket: how many it had
        self._found: dict[Address, NodeId] = {}  # to be asked once more

    def begin_anew(self) -> None:
        """Every bucket has all its lookups before it again."""
        self._lookups.clear()

    def lookup_ended(self, closest: list[Candidate], *, of_own_id: bool) -> list[Address]:
        """Whom to ping, among those that it found."""
        asked: list[Address] = []
        for candidate in closest if of_own_id else closest[:FOUND_PER_LOOKUP]:
            if candidate.node_id is not None:
                self._found.pop(candidate.address, None)
                self._found[candidate.address] = candidate.node_id
                asked.append(candidate.address)
        while len(self._found) > FOUND_MAX:
            del self._found[next(iter(self._found))]
        return asked

    def speaks_for(self, node_id: NodeId, address: Address) -> bool:
        """It was found, and answers now under the id under which it was."""
        return self._found.pop(address, None) == node_id

    def bucket_due(self, buckets: list[Bucket], now: float) -> Bucket | None:
        """The next to look for nodes in, of those that could gain by it: full, and not ours."""
        if now < self._next_at:
            return None
        wanting = [
            bucket
            for bucket in buckets
            if bucket.is_full
            and self._lookups.get(bucket.range[0], 0) < LOOKUPS_MAX
            and not all(contact.vouched for contact in bucket.nodes.values())
        ]
        if not wanting:
            return None
        self._next_at = now + VOUCH_S
        bucket = min(wanting, key=lambda b: self._lookups.get(b.range[0], 0))
        self._lookups[bucket.range[0]] = self._lookups.get(bucket.range[0], 0) + 1
        return bucket
