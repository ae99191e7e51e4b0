"""The peer's half of a connection: what its messages mean, judged before anyone sees them (BEP 3,
5, 6, 9, 10, 11).

`_read` walks over complete messages where they lie. Runs of blocks (`BlockReceiver`) and of
requests, which are nearly all there is, are taken by two tight loops; every other message is
decoded and dispatched.

Differs from the BEP: BEP 6 asks to part with a peer that sends a reject never asked for. It happens
to honest peers around a cancel, so a little of it is suffered (W4).
"""

from struct import Struct

from torrentd.wire.formats import messages
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.geometry import BLOCK_BYTES, REQUEST_BYTES_MAX, BlockRef
from torrentd.wire.formats.messages import LENGTH_BYTES, PIECE, REQUEST
from torrentd.wire.peer import events
from torrentd.wire.peer.extension_receiver import ExtensionReceiver
from torrentd.wire.peer.framing import Framing
from torrentd.wire.peer.sender import Terms

REQUEST_MESSAGE_BYTES = 17
STRIKES_MAX = 50  # requests too long and rejects never asked for (W4)
CHOKED_REQUESTS_MAX = 2000  # asked while choked; a full queue may be on its way when we choke
ALLOWED_FAST_MAX = 100  # BEP 6 speaks of 10
_REQUEST_HEAD = Struct(">IBIII")


class Receiver(ExtensionReceiver):
    """The flags that the peer controls, its pieces, and what has come from it."""

    def __init__(self, terms: Terms, now: float) -> None:
        super().__init__(terms, now)
        self.peer_choking = True
        self.peer_interested = False
        self.allowed_fast_in: dict[int, None] = {}
        self._framing = Framing()
        self._owed_grew = False
        self._strikes = 0

    def _read(self, data: memoryview) -> int:
        """Takes every complete message; returns where the unfinished one begins."""
        at, end = 0, len(data)
        while True:  # each round takes a message or leaves
            after_blocks = self._read_blocks(data, at)
            at = self._read_requests(data, after_blocks)
            if at > after_blocks:
                continue  # blocks that we had asked for may follow
            size = self._framing.message_size(data, at, end - at)
            if size > end - at:
                return at
            if size > LENGTH_BYTES:
                self._receive_message(data[at + LENGTH_BYTES : at + size])
            else:
                self._budget.spend()  # a keep-alive
            at += size

    def _read_requests(self, data: memoryview, at: int) -> int:
        """Takes the run of requests at `at`. A whole block of any piece but the last, which we may
        serve and have not been asked for yet, needs no closer look."""
        unpack = _REQUEST_HEAD.unpack_from
        last = len(data) - REQUEST_MESSAGE_BYTES
        geometry, owed, queued_max = self.geometry, self.owed, self.limits.requests_queued_max
        owed_count = len(owed)
        plain_pieces = begin_max = 0
        if geometry is not None and not self.am_choking:
            plain_pieces = geometry.piece_count - 1
            begin_max = geometry.piece_length - BLOCK_BYTES
        while at <= last:
            length, message_id, piece_index, begin, block_length = unpack(data, at)
            if message_id != REQUEST or length != REQUEST_MESSAGE_BYTES - LENGTH_BYTES:
                break
            block = tuple.__new__(BlockRef, (piece_index, begin, block_length))
            if (
                block_length == BLOCK_BYTES
                and piece_index < plain_pieces
                and begin <= begin_max
                and block not in owed
                and len(owed) < queued_max
            ):
                owed[block] = None
            else:
                self._receive_request(block)
            at += REQUEST_MESSAGE_BYTES
        if len(owed) > owed_count:
            self._tell_owed()
        return at

    def _tell_owed(self) -> None:
        if not self._owed_grew:
            self._owed_grew = True
            self._events.append(events.BlocksRequested())

    def _receive_message(self, message: memoryview) -> None:
        """`<id><payload>`, of a length that the table of W1 allows."""
        message_id = message[0]
        if message_id == PIECE:
            piece_index, begin = messages.PIECE_FIELDS.unpack_from(message, 1)
            self._receive_odd_block(piece_index, begin, message[9:])
            return
        decoded = messages.decode_message(message_id, message[1:])
        match decoded:
            case messages.Choke():
                self._receive_choke()
            case messages.Unchoke():
                self._receive_unchoke()
            case messages.Interested():
                self._receive_interest(True)
            case messages.NotInterested():
                self._receive_interest(False)
            case messages.Have():
                self._receive_have(decoded.piece_index)
            case messages.Cancel():
                self._receive_cancel(decoded.block)
            case _:
                self._receive_rarer(decoded)

    def _receive_rarer(self, message: messages.Message) -> None:
        match message:
            case messages.Bitfield():
                self._announced.receive_bitfield(message.data)
                self._tell_pieces()
            case messages.Request():
                self._receive_request(message.block)
            case messages.Port():
                self._receive_port(message.port)
            case messages.Extended():
                self._receive_extended(message.extension_id, message.payload)
            case messages.Unknown():
                self._receive_unknown()
            case _:
                self._receive_fast(message)

    def _receive_fast(self, message: messages.Message) -> None:
        """ "When the fast extension is disabled … the peer MUST close the connection" (BEP 6)."""
        if not self.supports_fast:
            raise MessageError("a message of the fast extension, which it does not speak")
        match message:
            case messages.HaveAll():
                self._announced.receive_have_all()
                self._tell_pieces()
            case messages.HaveNone():
                self._announced.receive_have_none()
                self._tell_pieces()
            case messages.Suggest():
                self._receive_suggest(message.piece_index)
            case messages.Reject():
                self._receive_reject(message.block)
            case messages.AllowedFast():
                self._receive_allowed_fast(message.piece_index)
            case _:
                raise AssertionError(message)

    def _receive_choke(self) -> None:
        """BEP 6: "Choke no longer implicitly rejects all pending requests"."""
        self._budget.spend()
        lost = [] if self.supports_fast else self.outstanding.lose_all()
        if self.peer_choking and not lost:
            return
        self.peer_choking = True
        self._events.append(events.Choked(lost))

    def _receive_unchoke(self) -> None:
        self._budget.spend()
        if self.peer_choking:
            self.peer_choking = False
            self.outstanding.restart(self._now)
            self._events.append(events.Unchoked())

    def _receive_interest(self, interested: bool) -> None:
        self._budget.spend()
        if interested != self.peer_interested:
            self.peer_interested = interested
            self._events.append(events.InterestChanged())

    def _receive_have(self, piece_index: int) -> None:
        """A have that is news costs nothing: there are as many as pieces."""
        news = self._announced.receive_have(piece_index)
        if news and self._haves_due:
            self._haves_due -= 1
            self._budget.spend()
        if news and self.geometry is not None:
            self._events.append(events.Have(piece_index))
        else:
            self._budget.spend()

    def _tell_pieces(self) -> None:
        self._budget.spend()
        if self.geometry is not None:
            self._events.append(events.PiecesChanged())

    def _receive_request(self, block: BlockRef) -> None:
        """Owed, or refused, or a reason to part (W2, W4, W5). Duplicates collapse."""
        piece_index, begin, length = block
        geometry = self.geometry
        if length > REQUEST_BYTES_MAX:
            raise MessageError("a request for far too many bytes")
        if geometry is None:
            self._refuse(block)
            return
        geometry.check_block(piece_index, begin, length)
        if length > BLOCK_BYTES:
            self._strike()
            self._refuse(block)
        elif self.am_choking and piece_index not in self.allowed_fast_out:
            self._refuse_choked(block)
        elif block in self.owed:
            self._budget.spend()
        elif len(self.owed) >= self.limits.requests_queued_max:
            self._refuse(block)
        else:
            self.owed[block] = None
            self._tell_owed()

    def _refuse(self, block: BlockRef) -> None:
        self._budget.spend()
        if self.supports_fast:
            self.send_reject(block)

    def _refuse_choked(self, block: BlockRef) -> None:
        """ "It can take several seconds for buffers to drain and messages to propagate once a peer
        is choked" (BEP 6): so these are no control messages, but they have an end."""
        self._choked_requests += 1
        if self._choked_requests > CHOKED_REQUESTS_MAX:
            raise MessageError("requests without end while choked")
        if self.supports_fast:
            self.send_reject(block)

    def _receive_cancel(self, block: BlockRef) -> None:
        """With BEP 6 a cancelled request still gets its one answer."""
        self._budget.spend()
        if block in self.owed:
            self.send_reject(block)

    def _receive_reject(self, block: BlockRef) -> None:
        was_outstanding = block in self.outstanding
        if not self.outstanding.reject(block, self.peer_choking):
            self._strike()
        elif was_outstanding:
            if self.peer_choking:
                self.allowed_fast_in.pop(block.piece_index, None)  # not that fast after all
            self._events.append(events.RequestRejected(block))

    def _receive_suggest(self, piece_index: int) -> None:
        """Advice, checked and not taken: rarest first is the better one."""
        self._budget.spend()
        self._check_piece(piece_index)

    def _receive_allowed_fast(self, piece_index: int) -> None:
        self._budget.spend()
        self._check_piece(piece_index)
        if piece_index in self.allowed_fast_in or len(self.allowed_fast_in) >= ALLOWED_FAST_MAX:
            return
        self.allowed_fast_in[piece_index] = None
        if self.geometry is not None:
            self._events.append(events.AllowedFast(piece_index))

    def _receive_port(self, port: int) -> None:
        self._budget.spend()
        if port:  # 0 is a mistake to ignore, not to part for
            self._events.append(events.PortReceived(Address(self.address.host, port)))

    def _strike(self) -> None:
        self._strikes += 1
        if self._strikes > STRIKES_MAX:
            raise MessageError("too many requests and rejects that make no sense")
