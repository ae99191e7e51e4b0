"""One connection with one peer: bytes and time in, events and bytes out (BEP 3, 6, 10).

`receive_data` never raises and never keeps more than the unfinished message at the end of what it
was given. A block is handed out as a view into that data (into the kept bytes when it straddled
two calls), valid until the next call. After ConnectionFailed nothing more is told.

The life of one: handshake (ten seconds for all of it), messages, over.
"""

import math

from torrentd.wire.formats.address import Address
from torrentd.wire.formats.errors import HandshakeError, ProtocolError
from torrentd.wire.formats.geometry import Geometry
from torrentd.wire.formats.handshake import (
    HANDSHAKE_BYTES,
    PROTOCOL_PREFIX,
    decode_handshake,
)
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.peer.events import (
    AllowedFast,
    ConnectionFailed,
    Event,
    HandshakeCompleted,
    PiecesChanged,
    RequestsTimedOut,
)
from torrentd.wire.peer.receiver import Receiver
from torrentd.wire.peer.sender import PeerLimits, Terms

HANDSHAKE_TIMEOUT_S = 10.0  # from the first moment, not from byte to byte (C1)
KEEP_ALIVE_S = 100.0  # BEP 3: "generally sent once every two minutes"; libtorrent parts at 120 s
IDLE_S = 180.0  # a keep-alive of two minutes may be a minute late
# What may wait behind a handshake that the daemon has not accepted yet: the largest bitfield, and
# room for an extension handshake.
HELD_BYTES_MAX = 288 * 1024


class PeerConnection(Receiver):
    """The whole public face; commands and state come from its two halves, Sender and Receiver."""

    def __init__(
        self,
        address: Address,
        *,
        outgoing: bool,
        peer_id: PeerId,
        infohash: InfoHash | None,
        limits: PeerLimits,
        now: float,
    ) -> None:
        """Outgoing: `infohash` is what we dialed for; our handshake is queued at once. Incoming:
        the peer speaks first, and `accept` follows its HandshakeCompleted."""
        super().__init__(Terms(address, outgoing, peer_id, infohash, limits), now)
        self.reading_paused_until = 0.0  # the daemon stops reading until then (W9); 0: it does not
        self._failed = False
        self._received_at = now
        self._received_bytes = 0
        self._head = bytearray()  # of the peer's handshake
        self._held = bytearray()  # came before `accept`
        if outgoing:
            assert infohash is not None
            self._send_handshake(infohash)

    def __repr__(self) -> str:
        return f"<PeerConnection {'to' if self.outgoing else 'from'} {self.address}>"

    @property
    def their_peer_id(self) -> PeerId | None:
        """None before their handshake came."""
        return self.handshake.peer_id if self.handshake else None

    @property
    def kept_bytes(self) -> int:
        """Received bytes that wait for their message's end."""
        return self._framing.kept_bytes + len(self._head) + len(self._held)

    @property
    def arrived_bytes(self) -> int:
        """Data of blocks, and what there is of a message whose end has not come."""
        return self.downloaded_bytes + self.wasted_bytes + self.kept_bytes

    @property
    def protocol_received_bytes(self) -> int:
        """All that came but the data of blocks, asked for or not. It never falls."""
        return self._received_bytes - self.arrived_bytes

    def accept(self, infohash: InfoHash, now: float) -> None:
        """Incoming: we have this torrent; our handshake is queued. What the peer sent behind its
        own is read by the next `receive_data` or `tick`; `next_deadline` is now if there is any."""
        assert self.infohash is None and self.handshake is not None
        self._now = now
        self._send_handshake(infohash)

    def set_geometry(self, geometry: Geometry, now: float) -> list[Event]:
        """The metadata is known: what the peer announced before can be judged. Call it once."""
        assert self.geometry is None
        told: list[Event] = []
        if self._failed:
            return told
        self._events = told
        self._now = now
        try:
            self._set_geometry(geometry)
        except ProtocolError as error:
            self._fail(error.reason, misbehaved=True)
        return told

    def receive_data(self, data: memoryview, now: float) -> list[Event]:
        """What the bytes mean. Never raises: whatever breaks a BEP becomes a ConnectionFailed, then
        the last event."""
        told: list[Event] = []
        if self._failed:
            return told
        self._events = told
        self._now = self._received_at = now
        self._received_bytes += len(data)
        self._owed_grew = False
        self._budget.refill(now)
        try:
            self._receive(data)
        except ProtocolError as error:
            self._fail(error.reason, misbehaved=True)
        self.reading_paused_until = self._budget.paused_until()
        return told

    def tick(self, now: float) -> list[Event]:
        """Time passed. Bytes may be queued (a keep-alive): see `has_data_to_send`."""
        told: list[Event] = []
        if self._failed:
            return told
        if self._held and self.infohash is not None:
            return self.receive_data(memoryview(b""), now)
        self._events = told
        self._now = now
        if self.handshake is None:
            if now >= self.connected_at + HANDSHAKE_TIMEOUT_S:
                self._fail("no handshake within ten seconds", misbehaved=False)
            return told
        if now >= self._received_at + IDLE_S:
            self._fail("silent for three minutes", misbehaved=False)
            return told
        if now >= self._sent_at + KEEP_ALIVE_S:
            self._send_keep_alive()
        self._time_out_requests(now)
        return told

    def send_keep_alive(self) -> None:
        """Something that the other side's kernel will acknowledge, if it is there."""
        if not self._failed and self.handshake is not None:
            self._send_keep_alive()

    def next_deadline(self) -> float:
        """When `tick` has something to do; infinity when the connection is over."""
        if self._failed:
            return math.inf
        if self.handshake is None:
            return self.connected_at + HANDSHAKE_TIMEOUT_S
        if self._held and self.infohash is not None:
            return self._now
        deadline = min(self._received_at + IDLE_S, self._sent_at + KEEP_ALIVE_S)
        overdue_at = self.outstanding.next_deadline()
        return deadline if overdue_at is None else min(deadline, overdue_at)

    def _receive(self, data: memoryview) -> None:
        if self.handshake is None:
            data = data[self._receive_handshake(data) :]
            if self._failed or self.handshake is None:
                return
        if self.infohash is None:
            self._hold(data)
            return
        if self._held:
            held, self._held = self._held, bytearray()
            self._receive_messages(memoryview(held))
        self._receive_messages(data)

    def _receive_messages(self, data: memoryview) -> None:
        framing = self._framing
        if framing.kept_bytes:
            message, taken = framing.complete(data)
            if message is None:
                return
            self._read(message)
            data = data[taken:]
        at = self._read(data)
        if at < len(data):
            framing.keep(data[at:])

    def _receive_handshake(self, data: memoryview) -> int:
        """Returns the number of bytes taken. A first byte that is wrong is enough."""
        part = data[: HANDSHAKE_BYTES - len(self._head)]
        self._head += part
        if not PROTOCOL_PREFIX.startswith(self._head[: len(PROTOCOL_PREFIX)]):
            raise HandshakeError("not a BitTorrent handshake")
        if len(self._head) == HANDSHAKE_BYTES:
            handshake = decode_handshake(self._head)
            self._head = bytearray()
            if self.outgoing and handshake.infohash != self.infohash:
                raise HandshakeError("a handshake for another torrent")
            self.handshake = handshake
            if handshake.peer_id == self.peer_id:
                self._meet_ourselves(handshake.infohash)
            else:
                self._events.append(HandshakeCompleted(handshake))
        return len(part)

    def _meet_ourselves(self, infohash: InfoHash) -> None:
        """We dialed ourselves (W10). The accepting end answers, so that the dialing end sees it too
        and forgets the address."""
        if not self.outgoing:
            self._send_handshake(infohash)
        self._fail("it is ourselves", misbehaved=False)

    def _hold(self, data: memoryview) -> None:
        if len(self._held) + len(data) > HELD_BYTES_MAX:
            raise HandshakeError("too much before our handshake")
        self._held += data

    def _set_geometry(self, geometry: Geometry) -> None:
        bitfield = self._announced.set_piece_count(geometry.piece_count)
        self.geometry = geometry
        self._framing.bitfield_length = 1 + len(bitfield.to_bytes())
        if self._announced.any_came:
            self._events.append(PiecesChanged())
        for piece_index in self.allowed_fast_in:
            geometry.check_piece(piece_index)
            self._events.append(AllowedFast(piece_index))

    def _time_out_requests(self, now: float) -> None:
        overdue = self.outstanding.overdue(now)
        if overdue:
            if self.peer_choking:
                self.outstanding.snubbed = False  # a choke is no snub
            self._events.append(RequestsTimedOut(overdue))

    def _fail(self, reason: str, misbehaved: bool) -> None:
        self._failed = True
        self._framing.drop()
        self._head = self._held = bytearray()
        self._events.append(ConnectionFailed(reason, misbehaved))
