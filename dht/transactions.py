"""Our outstanding queries (BEP 5, KRPC Protocol): who was asked what, under which id, until when.

A reply counts only from the address that was asked and under the four secret bytes of that query,
so an answer cannot be guessed from elsewhere. Every query has the same hard time-out, so the dict's
order is the order of the deadlines.
"""

import random
from dataclasses import dataclass
from typing import Final

from torrentd.dht.candidate import Candidate
from torrentd.dht.lookup import Lookup
from torrentd.dht.node_id import id_fits_host
from torrentd.dht.search import Search
from torrentd.wire.formats.address import Address

HARD_TIMEOUT_S: Final = 5.0
PENDING_MAX: Final = 512
TRANSACTION_ID_BYTES: Final = 4


@dataclass(slots=True)
class Transaction:
    """`lookup` and `candidate` are what it was asked for, None for pings and the last queries of a
    search; `search` is whose lookup or query that is, None for pings and the table's lookups."""

    address: Address
    transaction_id: bytes
    node_id: bytes | None  # who should answer; None: whoever is there
    sent_at: float
    lookup: Lookup | None = None
    candidate: Candidate | None = None
    search: Search | None = None
    is_told: bool = False  # how it ends, as PingEnded

    def may_answer(self, node_id: bytes) -> bool:
        """The node that was expected, or one that a liar may have named under a false id: its own
        follows BEP 42, and nobody else gets what is sent to that address."""
        return self.node_id in (None, node_id) or id_fits_host(node_id, self.address.host)


class Transactions:
    def __init__(self, secret_rng: random.Random) -> None:
        self._rng: Final = secret_rng
        self._pending: dict[tuple[Address, bytes], Transaction] = {}
        self._by_address: dict[Address, dict[bytes, None]] = {}

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def room(self) -> int:
        return PENDING_MAX - len(self._pending)

    def is_asked(self, address: Address) -> bool:
        """Is a query to this address still open?"""
        return address in self._by_address

    def awaits(self, address: Address, data: bytes) -> bool:
        """Could this be the answer to an open query? Cheap, before any decode: it holds the id of
        one, which nobody else knows."""
        open_ids = self._by_address.get(address)
        return open_ids is not None and any(
            b"1:t%d:%b" % (TRANSACTION_ID_BYTES, open_id) in data for open_id in open_ids
        )

    def begin(
        self,
        address: Address,
        node_id: bytes | None,
        now: float,
    ) -> Transaction | None:
        """None: too many queries are open already."""
        if self.room <= 0:
            return None
        transaction_id = self._rng.getrandbits(8 * TRANSACTION_ID_BYTES).to_bytes(
            TRANSACTION_ID_BYTES, "big"
        )
        key = (address, transaction_id)
        if key in self._pending:  # one in four milliards, and only to one address
            return None
        transaction = Transaction(address, transaction_id, node_id, now)
        self._pending[key] = transaction
        self._by_address.setdefault(address, {})[transaction_id] = None
        return transaction

    def take(self, address: Address, transaction_id: bytes) -> Transaction | None:
        """The query that a reply answers; from now on it is closed."""
        transaction = self._pending.pop((address, transaction_id), None)
        if transaction is not None:
            open_ids = self._by_address[address]
            del open_ids[transaction_id]
            if not open_ids:
                del self._by_address[address]
        return transaction

    def expired(self, now: float) -> list[Transaction]:
        """Those without an answer for too long; from now on they are closed."""
        late: list[Transaction] = []
        for transaction in self._pending.values():
            if transaction.sent_at + HARD_TIMEOUT_S > now:
                break
            late.append(transaction)
        for transaction in late:
            self.take(transaction.address, transaction.transaction_id)
        return late

    def next_deadline(self) -> float | None:
        for transaction in self._pending.values():
            return transaction.sent_at + HARD_TIMEOUT_S
        return None
