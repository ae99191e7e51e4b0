"""A search: lookups of one target in both DHTs at once (BEP 5; BEP 32: "the two DHTs are
independent"), what it asks of every node on its way, and what it does at the end.

`PeerSearch` finds peers and announces; `Scrape` and the others ask for something else.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Final

from torrentd.dht.candidate import Candidate
from torrentd.dht.krpc import Response
from torrentd.dht.lookup import Lookup
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import Outcome, Output, PeersFound, SearchEnded
from torrentd.dht.stats import SearchStats
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.ids import InfoHash

PEERS_MAX: Final = 5000  # told in one search; a lying node must not fill our memory


class Search(ABC):
    """`lookups`, one a family, are given to it when it begins."""

    method: ClassVar[bytes]  # by which it is known to people, too
    last_method: ClassVar[bytes] = b""
    waits_for_last: ClassVar[bool] = False
    is_watched: ClassVar[bool] = False  # somebody looks on: it does not wait for its turn
    start_is_old: ClassVar[bool] = False  # those that it starts with are from an earlier time

    def __init__(self, target: bytes, start: Sequence[tuple[NodeId, Address]] = ()) -> None:
        """`start` are nodes known to be close, in place of those of the table; old ones are asked
        beside them."""
        self.target: Final = target
        self.start = start
        self.lookups: list[Lookup] = []
        self.is_closing = False  # the lookups are over, the last queries sent
        self.told = 0  # last queries sent
        self.confirmed = 0  # of them, by an answer
        self.refusals: list[int] = []  # by an error of this code, or 0 for no answer
        self.is_cancelled = False

    @property
    def is_patient(self) -> bool:
        """Nobody waits for what it finds: see Patience."""
        return False

    @property
    def key(self) -> tuple[type["Search"], bytes]:
        """Of equal searches one runs at a time."""
        return type(self), self.target

    @abstractmethod
    def query(self, candidate: Candidate, now: float) -> tuple[bytes, dict[bytes, Bencoded]]:
        """What it asks of this node: the method, and the arguments beside `id` and `want`."""

    @abstractmethod
    def heard(
        self, candidate: Candidate, response: Response, peers: list[Address], now: float
    ) -> list[Output]:
        """A node answered; `peers` are past the policy."""

    def hop(
        self,
        candidate: Candidate,
        outcome: Outcome,
        rtt_s: float,
        nodes: int = 0,
        peers: Sequence[Address] = (),
    ) -> list[Output]:
        """One of its queries ended: for a search that is watched (`Trace`)."""
        return []

    def last_queries(self) -> list[tuple[Candidate, dict[bytes, Bencoded]]]:
        """The lookups are over: what is still told (`last_method`) to the closest nodes."""
        return []

    @property
    def is_closed(self) -> bool:
        """No answer to the last queries is waited for."""
        return not self.waits_for_last or self.confirmed + len(self.refusals) >= self.told

    @abstractmethod
    def ended(self) -> Output: ...

    def check_finished(self, now: float) -> bool:
        """Every lookup that began is over. One that found nobody to ask (no IPv6 here) does not
        hold up the other; while none could begin, the search waits."""
        begun = [lookup for lookup in self.lookups if not lookup.is_waiting]
        for lookup in begun:
            lookup.is_over = lookup.is_finished(now)
        return bool(begun) and all(lookup.is_over for lookup in begun)

    def cancel(self) -> None:
        self.is_cancelled = True
        for lookup in self.lookups:
            lookup.is_over = True

    def stats(self) -> SearchStats:
        return SearchStats(
            self.target.hex(),
            waiting=all(lookup.is_waiting for lookup in self.lookups),
            queries=self.queries,
            responses=self.responses,
            peers=self.peers,
            method=self.method.decode(),
        )

    @property
    def peers(self) -> int:
        """How many were found."""
        return 0

    @property
    def queries(self) -> int:
        return sum(lookup.queries for lookup in self.lookups)

    @property
    def responses(self) -> int:
        return sum(lookup.responses for lookup in self.lookups)


class PeerSearch(Search):
    """Peers of one infohash, told as they come, and the announce at the end (BEP 5, get_peers and
    announce_peer)."""

    method = b"get_peers"
    last_method = b"announce_peer"
    start_is_old = True

    def __init__(
        self,
        infohash: InfoHash,
        announce_port: int | None,
        start: Sequence[tuple[NodeId, Address]] = (),
        *,
        is_seed: bool = False,
        is_partial: bool = False,
    ) -> None:
        """`is_seed`: we want nothing more; `is_partial`: though we have not everything (BEP 21)."""
        super().__init__(infohash, start)
        self.infohash: Final = infohash
        self.announce_port = announce_port
        self.is_seed = is_seed
        self._is_partial = is_partial
        self._peers: dict[Address, None] = {}

    @property
    def is_patient(self) -> bool:
        return self.is_seed

    def query(self, candidate: Candidate, now: float) -> tuple[bytes, dict[bytes, Bencoded]]:
        """BEP 33: a seed has no use for seeds."""
        arguments: dict[bytes, Bencoded] = {b"info_hash": self.infohash}
        if self.is_seed:
            arguments[b"noseed"] = 1
        return self.method, arguments

    def heard(
        self, candidate: Candidate, response: Response, peers: list[Address], now: float
    ) -> list[Output]:
        new = self.new_peers(peers)
        return [PeersFound(self.infohash, new)] if new else []

    def new_peers(self, peers: list[Address]) -> list[Address]:
        """Those of `peers` that this search has not told yet."""
        new: dict[Address, None] = {}
        for peer in peers:
            if peer not in self._peers:
                new[peer] = None
        taken = list(new)[: PEERS_MAX - len(self._peers)]
        self._peers.update(dict.fromkeys(taken))
        return taken

    def last_queries(self) -> list[tuple[Candidate, dict[bytes, Bencoded]]]:
        """The announce, with the token that the node gave in this search."""
        if self.announce_port is None:
            return []
        arguments: dict[bytes, Bencoded] = {
            b"implied_port": 0,
            b"info_hash": self.infohash,
            b"port": self.announce_port,
        }
        if self.is_seed and not self._is_partial:
            arguments[b"seed"] = 1  # BEP 33 counts who has everything
        return [
            (candidate, {**arguments, b"token": candidate.token})
            for lookup in self.lookups
            for candidate in lookup.closest()
            if candidate.token is not None
        ]

    @property
    def peers(self) -> int:
        return len(self._peers)

    def ended(self) -> SearchEnded:
        closest = [candidate for lookup in self.lookups for candidate in lookup.closest()]
        return SearchEnded(
            self.infohash,
            self.queries,
            self.responses,
            len(self._peers),
            announced=self.told,
            closest=[(c.node_id, c.address) for c in closest if c.node_id is not None],
        )
