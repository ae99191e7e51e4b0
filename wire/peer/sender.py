"""Our half of a connection: what we tell the peer, and what we owe it (BEP 3, 5, 6, 9, 10, 11).

Commands queue bytes; `data_to_send` hands them over. A block is queued as its header and the view
it came in, never copied. Who commands knows the rules of the swarm; here only those of the wire
are kept: a choke drops what is owed, and with BEP 6 every request gets exactly one answer.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.dont_have import encode_dont_have
from torrentd.wire.formats.extension import (
    HANDSHAKE_ID,
    LT_DONTHAVE,
    OUR_MESSAGE_IDS,
    UPLOAD_ONLY,
    UT_METADATA,
    UT_PEX,
    ExtensionHandshake,
    encode_extension_handshake,
)
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.formats.handshake import Handshake, encode_handshake
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.formats.messages import (
    KEEP_ALIVE,
    PIECE_HEADER_BYTES,
    encode_allowed_fast,
    encode_bitfield,
    encode_cancel,
    encode_choke,
    encode_extended,
    encode_have,
    encode_have_all,
    encode_have_none,
    encode_interested,
    encode_not_interested,
    encode_piece_header,
    encode_port,
    encode_reject,
    encode_requests,
    encode_unchoke,
)
from torrentd.wire.formats.metadata import (
    MetadataData,
    MetadataMessage,
    MetadataReject,
    MetadataRequest,
    encode_metadata,
)
from torrentd.wire.formats.pex import Pex, encode_pex
from torrentd.wire.formats.upload_only import encode_upload_only
from torrentd.wire.peer.pipeline import Pipeline
from torrentd.wire.peer.rates import Rate

CLIENT = "torrentd 0.1"  # `v` of BEP 10


class PeerLimits(Protocol):
    """What a connection asks of the configuration."""

    @property
    def requests_queued_max(self) -> int:
        """Our `reqq`: blocks the peer may ask for ahead."""

    @property
    def requests_outstanding_max(self) -> int:
        """Blocks we ask one peer for ahead."""


class Terms(NamedTuple):
    """What a connection begins with, handed down by PeerConnection; `infohash`: None until an
    incoming peer has named it."""

    address: Address
    outgoing: bool
    peer_id: PeerId
    infohash: InfoHash | None
    limits: PeerLimits


class Sender:
    """The flags that we control, the blocks that we owe, and the bytes that wait to be sent."""

    def __init__(self, terms: Terms, now: float) -> None:
        self.address, self.outgoing, self.peer_id, self.infohash, self.limits = terms
        self.handshake: Handshake | None = None
        self.extension: ExtensionHandshake | None = None
        self.am_choking = True  # "Connections start out choked and not interested"
        self.am_interested = False
        self.owed: dict[BlockRef, None] = {}
        self.allowed_fast_out: dict[int, None] = {}
        self.outstanding = Pipeline(self.limits.requests_outstanding_max, now)
        self.upload_rate = Rate(now)
        self.uploaded_bytes = 0
        self.protocol_sent_bytes = 0  # all but the data of blocks
        self.connected_at = now
        self.last_unchoked_at: float | None = None
        self._now = now  # of the last call that told it
        self._sent_at = now
        self._choked_requests = 0
        self._said_upload_only = False
        self._out: list[bytes | memoryview] = []

    @property
    def supports_fast(self) -> bool:
        """BEP 6: "enabled only if both ends of the connection set this bit"; we always do."""
        return self.handshake is not None and self.handshake.fast

    @property
    def supports_extensions(self) -> bool:
        """BEP 10."""
        return self.handshake is not None and self.handshake.extension

    @property
    def supports_dht(self) -> bool:
        """BEP 5: the peer would like to be told our DHT port."""
        return self.handshake is not None and self.handshake.dht

    @property
    def has_data_to_send(self) -> bool:
        """`data_to_send` would not be empty."""
        return bool(self._out)

    def data_to_send(self) -> list[bytes | memoryview]:
        """What is to be written now, in order; it is handed over once."""
        data = self._out
        self._out = []
        return data

    def send_choke(self, now: float) -> None:
        """BEP 3: requests "can all be thrown out when a choke happens". BEP 6: choke first, then
        reject each, "except it SHOULD NOT reject requests for pieces that are in the allowed fast
        set"."""
        self._now = now
        self.am_choking = True
        self._choked_requests = 0
        self._queue(encode_choke())
        if not self.supports_fast:
            self.owed.clear()
            return
        for block in list(self.owed):
            if block.piece_index not in self.allowed_fast_out:
                self.send_reject(block)

    def send_unchoke(self, now: float) -> None:
        """From now on requests are served."""
        self._now = now
        self.am_choking = False
        self.last_unchoked_at = now
        self._queue(encode_unchoke())

    def send_interested(self) -> None:
        """The peer has something that we would ask for if we were unchoked."""
        self.am_interested = True
        self._queue(encode_interested())

    def send_not_interested(self) -> None:
        """It has nothing, or no longer."""
        self.am_interested = False
        self._queue(encode_not_interested())

    def send_have(self, piece_index: int) -> None:
        """We have this piece, hash checked."""
        self._queue(encode_have(piece_index))

    def send_dont_have(self, piece_index: int) -> None:
        """We no longer have this piece, which we announced (BEP 54): requests for it are rejected,
        or "silently dropped", and a peer that takes the message is told."""
        for block in [each for each in self.owed if each[0] == piece_index]:
            self.send_reject(block)
        self.allowed_fast_out.pop(piece_index, None)
        self._send_extended(LT_DONTHAVE, encode_dont_have(piece_index))

    def send_pieces(self, pieces: Bitfield | None) -> None:
        """All that we have, once, before anything else but the handshakes. None: the metadata is
        not known yet. BEP 6 wants "exactly one of Have All, Have None, or Have Bitfield"; without
        it "downloaders which don't have anything yet may skip the 'bitfield' message"."""
        if pieces is None or not pieces.any():
            if self.supports_fast:
                self._queue(encode_have_none())
        elif pieces.all() and self.supports_fast:
            self._queue(encode_have_all())
        else:
            self._queue(encode_bitfield(pieces.to_bytes()))

    def send_requests(self, blocks: list[BlockRef], now: float) -> None:
        """Ask for all of these, in one string of bytes."""
        if blocks:
            self._now = now
            self.outstanding.add(blocks, now)
            self._queue(encode_requests(blocks))

    def send_cancel(self, block: BlockRef) -> None:
        """No longer wanted; it may come nevertheless, and is then still taken."""
        if self.outstanding.give_up(block):
            self._queue(encode_cancel(block))

    def send_reject(self, block: BlockRef) -> None:
        """We will not send this block. Without BEP 6 it is only forgotten."""
        self.owed.pop(block, None)
        if self.supports_fast:
            self._queue(encode_reject(block))

    def send_blocks(
        self, piece_index: int, blocks: Iterable[tuple[int, bytes | memoryview]], now: float
    ) -> int:
        """Each block `(begin, data)` as its header and the data as it is. Only those still owed: a
        cancel or a choke may have come while the disk was read. Returns the bytes of blocks queued;
        no data may change until it is sent."""
        owed, out = self.owed, self._out
        out_count = len(out)
        sent_bytes = 0
        for begin, data in blocks:
            length = len(data)
            block = (piece_index, begin, length)
            # None is the value of every block owed
            if owed.pop(block, False) is None:  # type: ignore[call-overload]  # it finds a BlockRef
                out += (encode_piece_header(piece_index, begin, length), data)
                sent_bytes += length
        if sent_bytes:
            self._now = self._sent_at = now
            self.uploaded_bytes += sent_bytes
            self.protocol_sent_bytes += (len(out) - out_count) // 2 * PIECE_HEADER_BYTES
            self.upload_rate.add(sent_bytes, now)
        return sent_bytes

    def send_allowed_fast(self, piece_index: int) -> None:
        """ "If you ask for this piece, I'll give it to you even if you're choked" (BEP 6)."""
        if self.supports_fast:
            self.allowed_fast_out[piece_index] = None
            self._queue(encode_allowed_fast(piece_index))

    def send_port(self, port: int) -> None:
        """Our DHT node listens there (BEP 5)."""
        self._queue(encode_port(port))

    def send_extension_handshake(
        self, metadata_size: int | None, listen_port: int | None, upload_only: bool, now: float
    ) -> None:
        """BEP 10. May be sent again when something of it changed. `p` goes only to peers that we
        dialed: the others know it."""
        if not self.supports_extensions:
            return
        self._now = now
        self._queue_extension_handshake(metadata_size, listen_port, upload_only)

    def send_ahead(
        self, listen_port: int, metadata_number: int, piece_count: int, now: float
    ) -> None:
        """In the flight of our handshake, before theirs: our extension handshake, and requests for
        the first pieces of the metadata under the number that they are guessed to give ut_metadata
        (BEP 9, 10). Whoever cannot read it has no metadata for us."""
        assert self.outgoing and self.handshake is None
        self._now = now
        self._queue_extension_handshake(None, listen_port, False)
        for piece in range(piece_count):
            payload = encode_metadata(MetadataRequest(piece))
            self._queue(encode_extended(metadata_number, payload))

    def _queue_extension_handshake(
        self, metadata_size: int | None, listen_port: int | None, upload_only: bool
    ) -> None:
        handshake = ExtensionHandshake(
            message_ids=dict(OUR_MESSAGE_IDS),
            metadata_size=metadata_size,
            reqq=self.limits.requests_queued_max,
            client=CLIENT,
            listen_port=listen_port if self.outgoing else None,
            your_host=self.address.host,
            upload_only=upload_only if upload_only or self._said_upload_only else None,
        )
        self._said_upload_only = upload_only
        self._queue(encode_extended(HANDSHAKE_ID, encode_extension_handshake(handshake)))

    def send_upload_only(self, upload_only: bool) -> bool:
        """We want nothing more, or something again (BEP 21). False when the peer does not take the
        message: then an extension handshake must tell it."""
        if upload_only != self._said_upload_only:
            if not self._send_extended(UPLOAD_ONLY, encode_upload_only(upload_only)):
                return False
            self._said_upload_only = upload_only
        return True

    def send_metadata_request(self, piece: int) -> None:
        """BEP 9."""
        self._send_metadata(MetadataRequest(piece))

    def send_metadata_data(self, piece: int, total_size: int, data: bytes) -> None:
        """BEP 9."""
        self._send_metadata(MetadataData(piece, total_size, data))

    def send_metadata_reject(self, piece: int) -> None:
        """BEP 9."""
        self._send_metadata(MetadataReject(piece))

    def send_pex(self, pex: Pex) -> None:
        """BEP 11."""
        self._send_extended(UT_PEX, encode_pex(pex))

    def _send_handshake(self, infohash: InfoHash) -> None:
        self.infohash = infohash
        ours = Handshake(infohash, self.peer_id, extension=True, fast=True, dht=True)
        self._queue(encode_handshake(ours))

    def _send_keep_alive(self) -> None:
        self._queue(KEEP_ALIVE)

    def _send_metadata(self, message: MetadataMessage) -> None:
        self._send_extended(UT_METADATA, encode_metadata(message))

    def _send_extended(self, name: str, payload: bytes) -> bool:
        """By the number that the peer gave this message; without one nothing is sent, since it may
        have turned the message off a moment ago. Returns whether it was sent."""
        message_id = self.extension.message_ids.get(name, 0) if self.extension else 0
        if message_id:
            self._queue(encode_extended(message_id, payload))
        return bool(message_id)

    def _queue(self, data: bytes) -> None:
        self._out.append(data)
        self.protocol_sent_bytes += len(data)
        self._sent_at = self._now
