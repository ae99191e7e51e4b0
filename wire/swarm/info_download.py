"""The info dictionary, fetched from peers when all we have is its infohash (BEP 9).

Its pieces have no hashes of their own, so that each of up to three peers is asked for all of it: a
bad whole names its sender (M3). What a peer claims of the size decides nothing but which piece is
the last one of *its* answer, and no memory is taken for a claim (M1, M2). A peer that does not
answer in time, or holds others up, goes to the end of the queue and keeps what it sent (M6).

The first pieces are asked for in the flight of the handshake, before the peer could say under which
number: a round trip less. The number is guessed; whoever parts because of that is dialed once more,
and asked in order.
"""

import hashlib
from dataclasses import dataclass, field
from math import inf

from torrentd.wire.formats.extension import UT_METADATA
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metadata import MetadataData, metadata_geometry
from torrentd.wire.swarm.peer import Peer

ATTEMPTS_MAX = 3
REQUESTS_MAX = 4  # at one peer; clients queue some dozens and reject what is beyond
ANSWER_S = 3.0  # then somebody else has a turn
TURN_S = 15.0  # for all of it, while others wait
PATIENCE_MAX = 4  # both double up to this many times
REJECTED_S = 5.0
UNREQUESTED_MAX = 5  # M4
LIARS_MAX = 1000
USUAL_NUMBER = 2  # of ut_metadata, at libtorrent, µTorrent and rTorrent
AHEAD_PIECES = 2  # as much as a young TCP connection carries, and the metadata of most torrents
NUMBERS_MAX = 1000  # hosts whose number is another one


@dataclass(slots=True, eq=False)
class _Source:
    """One peer's whole: `asked` are requests without an answer yet."""

    size: int
    piece_count: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    asked: dict[int, None] = field(default_factory=dict)
    cursor: int = 0  # the first piece never asked for
    turns: int = 0
    active: bool = False
    turn_since: float = 0.0
    heard_at: float = 0.0
    rests_until: float = 0.0
    unrequested: int = 0
    was_asked_ahead: bool = False  # and not since

    def patience(self) -> int:
        return 1 << min(self.turns - 1, PATIENCE_MAX)

    def answer_due_at(self) -> float:
        return self.heard_at + ANSWER_S * self.patience()


class InfoDownload:
    """`metadata` is there when one whole matched the infohash; it is final."""

    def __init__(self, infohash: InfoHash, size_max: int) -> None:
        self.metadata: bytes | None = None
        self._infohash = infohash
        self._size_max = size_max
        self._sources: dict[Peer, _Source] = {}
        self._liars: dict[bytes, None] = {}  # by host key
        self._ahead: dict[Peer, int] = {}  # asked under this number, and nothing heard
        self._misasked: dict[Peer, None] = {}  # under a number that was another one
        self._numbers: dict[bytes, int] = {}  # by host key; 0: not to be guessed

    @property
    def is_active(self) -> bool:
        """Somebody is being asked."""
        return any(source.active for source in self._sources.values())

    def progress(self) -> float:
        """0 to 1, of the attempt that is furthest."""
        shares = [len(s.pieces) / s.piece_count for s in self._sources.values()]
        return max(shares, default=0.0)

    def ask_ahead(self, peer: Peer, listen_port: int, now: float) -> None:
        """TCP stands with whom we dialed; it may be asked before it has said anything."""
        number = self._numbers.get(peer.host_key, USUAL_NUMBER)
        if not number or len(self._ahead) >= ATTEMPTS_MAX or peer.host_key in self._liars:
            return
        self._ahead[peer] = number
        peer.asked_ahead = True
        peer.connection.send_ahead(listen_port, number, AHEAD_PIECES, now)

    def offer(self, peer: Peer, size: int | None, now: float) -> None:
        """`peer` claims to have metadata of `size` bytes; a claim out of range counts as none."""
        was_right = self._learn_number(peer)
        if self.metadata is not None or peer.host_key in self._liars:
            return
        source = self._sources.get(peer)
        if source is not None and source.size != size:
            del self._sources[peer]
            source = None
        if source is None and size is not None and 1 <= size <= self._size_max:
            self._sources[peer] = source = _Source(size, metadata_geometry(size).piece_count)
            if was_right:
                source.cursor = min(AHEAD_PIECES, source.piece_count)
                source.asked = dict.fromkeys(range(source.cursor))
                source.was_asked_ahead = True
        self._take_turns(now)

    def leave(self, peer: Peer, now: float) -> bool:
        """The peer is gone. Returns whether our guess may be why."""
        is_guess_to_blame = peer in self._ahead or peer in self._misasked
        if self._ahead.pop(peer, 0):
            self._remember_number(peer, 0)
        self._misasked.pop(peer, None)
        if self._sources.pop(peer, None) is not None:
            self._take_turns(now)
        return is_guess_to_blame and self.metadata is None

    def receive(self, peer: Peer, message: MetadataData, now: float) -> str | None:
        """A piece. Returns why the peer must go, when it must."""
        source = self._sources.get(peer)
        if source is None:
            self._ahead.pop(peer, 0)  # before its extension handshake: it is asked again after it
            return None  # or it answers what another attempt has settled
        if message.piece not in source.asked or message.total_size != source.size:
            source.unrequested += 1
            return "unrequested metadata" if source.unrequested >= UNREQUESTED_MAX else None
        del source.asked[message.piece]
        source.pieces[message.piece] = message.data
        source.heard_at = now
        if len(source.pieces) == source.piece_count:
            return self._check(peer, source, now)
        if source.active:
            self._ask(peer, source)
        self._keep_within_bounds()
        return None

    def rejected(self, peer: Peer, piece: int, now: float) -> None:
        """The peer will not send this piece now."""
        source = self._sources.get(peer)
        if source is not None and piece in source.asked:
            del source.asked[piece]
            source.rests_until = now + REJECTED_S * source.patience()
            source.cursor = min(source.cursor, piece)
            source.active = False
            self._take_turns(now)

    def tick(self, now: float) -> None:
        """Turns end, requests are asked again."""
        for peer, source in self._sources.items():
            if not source.active:
                continue
            if now >= self._turn_ends_at(source):
                source.active = False
            elif now >= source.answer_due_at():
                source.turns += 1
                self._begin_turn(peer, source, now)
        self._take_turns(now)

    def next_deadline(self) -> float | None:
        """When `tick` may have something to do."""
        deadlines = []
        free = self._active_count() < ATTEMPTS_MAX
        for source in self._sources.values():
            if source.active:
                deadlines.append(min(source.answer_due_at(), self._turn_ends_at(source)))
            elif free:
                deadlines.append(source.rests_until)
        return min(deadlines, default=None)

    def _active_count(self) -> int:
        return sum(source.active for source in self._sources.values())

    def _turn_ends_at(self, source: _Source) -> float:
        """Never, while nobody waits."""
        waits_from = min((other.rests_until for other in self._waiting()), default=inf)
        turn_ends_at = source.turn_since + TURN_S * source.patience()
        return max(min(source.answer_due_at(), turn_ends_at), waits_from)

    def _waiting(self) -> list[_Source]:
        return [source for source in self._sources.values() if not source.active]

    def _take_turns(self, now: float) -> None:
        """Fewest turns first, then the size that most peers claim, then who came first."""
        while self._active_count() < ATTEMPTS_MAX and self.metadata is None:
            waiting = [
                (peer, source)
                for peer, source in self._sources.items()
                if not source.active and source.rests_until <= now
            ]
            if not waiting:
                return
            peer, source = min(waiting, key=lambda pair: (pair[1].turns, -self._votes(pair[1])))
            source.active = True
            source.turns += 1
            source.turn_since = now
            self._begin_turn(peer, source, now)

    def _votes(self, source: _Source) -> int:
        return sum(other.size == source.size for other in self._sources.values())

    def _learn_number(self, peer: Peer) -> bool:
        """Its extension handshake is here. Was it asked ahead, and under the right number?"""
        guessed = self._ahead.pop(peer, 0)
        extension = peer.connection.extension
        if not guessed or extension is None:
            return False
        number = extension.message_ids.get(UT_METADATA, 0)
        if number != guessed:
            self._misasked[peer] = None
            was_told = peer.host_key in self._numbers  # who tells another one each time, tells none
            self._remember_number(peer, 0 if was_told else number)
        return number == guessed

    def _remember_number(self, peer: Peer, number: int) -> None:
        self._numbers[peer.host_key] = number
        if len(self._numbers) > NUMBERS_MAX:
            del self._numbers[next(iter(self._numbers))]

    def _ask(self, peer: Peer, source: _Source) -> None:
        while len(source.asked) < REQUESTS_MAX and source.cursor < source.piece_count:
            piece = source.cursor
            source.cursor += 1
            if piece not in source.pieces and piece not in source.asked:
                source.asked[piece] = None
                peer.connection.send_metadata_request(piece)

    def _begin_turn(self, peer: Peer, source: _Source, now: float) -> None:
        """What was asked and never answered is asked again."""
        source.heard_at = now
        for piece in source.asked if not source.was_asked_ahead else ():
            peer.connection.send_metadata_request(piece)
        source.was_asked_ahead = False
        self._ask(peer, source)

    def _check(self, peer: Peer, source: _Source, now: float) -> str | None:
        metadata = b"".join(source.pieces[piece] for piece in range(source.piece_count))
        if hashlib.sha1(metadata, usedforsecurity=False).digest() == self._infohash:
            self.metadata = metadata
            self._sources.clear()
            return None
        del self._sources[peer]
        self._liars[peer.host_key] = None
        if len(self._liars) > LIARS_MAX:
            del self._liars[next(iter(self._liars))]
        self._take_turns(now)
        return "metadata that does not match the infohash"

    def _keep_within_bounds(self) -> None:
        """What waiting peers sent may not be more than one metadata of the greatest size."""
        kept_bytes = sum(sum(map(len, source.pieces.values())) for source in self._waiting())
        for source in self._waiting():
            if kept_bytes <= self._size_max:
                return
            kept_bytes -= sum(map(len, source.pieces.values()))
            source.pieces.clear()
            source.cursor = 0
