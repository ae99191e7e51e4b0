"""The peer's extended messages, and what it says of its pieces and its wishes (BEP 9, 10, 11, 21,
54)."""

from torrentd.wire.formats import messages
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.dont_have import decode_dont_have
from torrentd.wire.formats.errors import MessageError
from torrentd.wire.formats.extension import (
    HANDSHAKE_ID,
    LT_DONTHAVE,
    OUR_MESSAGE_IDS,
    UPLOAD_ONLY,
    UT_METADATA,
    UT_PEX,
    ExtensionHandshake,
    decode_extension_handshake,
)
from torrentd.wire.formats.metadata import MetadataData, decode_metadata
from torrentd.wire.formats.pex import decode_pex
from torrentd.wire.formats.upload_only import decode_upload_only
from torrentd.wire.peer import events
from torrentd.wire.peer.announced_pieces import AnnouncedPieces
from torrentd.wire.peer.block_receiver import BlockReceiver
from torrentd.wire.peer.control_budget import ControlBudget
from torrentd.wire.peer.sender import Terms

UNKNOWN_MESSAGES_MAX = 100  # W1
_OUR_NAMES = {message_id: name for name, message_id in OUR_MESSAGE_IDS.items()}


class ExtensionReceiver(BlockReceiver):
    """Between the blocks and all other messages."""

    def __init__(self, terms: Terms, now: float) -> None:
        super().__init__(terms, now)
        self._announced = AnnouncedPieces()
        self._upload_only = False
        self._haves_due = 0  # haves that are no news, of pieces that were lost in between
        self._budget = ControlBudget(now)
        self._unknown_messages = 0

    @property
    def pieces(self) -> Bitfield | None:
        """The peer's pieces; None until the metadata is known."""
        return self._announced.bitfield

    @property
    def is_seed(self) -> bool:
        """The peer has every piece."""
        return self._announced.is_seed

    @property
    def upload_only(self) -> bool:
        """The peer wants nothing: it is a seed, or a partial seed (BEP 21)."""
        return self._announced.is_seed or self._upload_only

    @property
    def told_pieces(self) -> bool:
        """A bitfield or a have came."""
        return self._announced.any_came

    def _receive_extended(self, extension_id: int, payload: bytes) -> None:
        """Ids are ours: the peer sends with the numbers of our extension handshake."""
        if extension_id == HANDSHAKE_ID:
            self._budget.spend()
            self._receive_extension_handshake(decode_extension_handshake(payload))
        elif _OUR_NAMES.get(extension_id) == UT_METADATA:
            self._receive_metadata(payload)
        elif _OUR_NAMES.get(extension_id) == UT_PEX:
            self._budget.spend()
            self._events.append(events.PexReceived(decode_pex(payload)))
        elif _OUR_NAMES.get(extension_id) == UPLOAD_ONLY:
            self._receive_upload_only(decode_upload_only(payload))
        elif _OUR_NAMES.get(extension_id) == LT_DONTHAVE:
            self._receive_dont_have(decode_dont_have(payload))
        else:
            self._receive_unknown()

    def _receive_extension_handshake(self, handshake: ExtensionHandshake) -> None:
        """A later one is additive: its `m` is "the actual CHANGES", 0 takes a message away. Only
        names that we use are kept, or many handshakes would pile up names."""
        earlier = self.extension.message_ids if self.extension else {}
        named = earlier | handshake.message_ids
        handshake.message_ids = {name: named[name] for name in OUR_MESSAGE_IDS if named.get(name)}
        if self.extension is not None:
            handshake.metadata_size = handshake.metadata_size or self.extension.metadata_size
            handshake.listen_port = handshake.listen_port or self.extension.listen_port
            handshake.client = handshake.client or self.extension.client
            handshake.reqq = handshake.reqq or self.extension.reqq
        self.extension = handshake
        if handshake.upload_only is not None:
            self._upload_only = handshake.upload_only
        if handshake.reqq is not None:
            self.outstanding.set_reqq(handshake.reqq)
        self._events.append(events.ExtensionHandshakeReceived(handshake))

    def _receive_upload_only(self, upload_only: bool) -> None:
        self._budget.spend()
        if upload_only != self._upload_only:
            self._upload_only = upload_only
            self._events.append(events.UploadOnlyChanged())

    def _receive_dont_have(self, piece_index: int) -> None:
        """Costs as any control message does, and so will a have of a piece lost: there may be as
        many haves as pieces, and not one more for nothing."""
        self._budget.spend()
        if not self._announced.receive_dont_have(piece_index):
            return
        self._haves_due += 1
        if self.geometry is not None:
            lost = [] if self.supports_fast else self.outstanding.lose_piece(piece_index)
            self._events.append(events.DontHave(piece_index, lost))

    def _receive_metadata(self, payload: bytes) -> None:
        """Data is limited by what the swarm asked for; everything else is a control message."""
        message = decode_metadata(payload)
        if not isinstance(message, MetadataData):
            self._budget.spend()
        if message is not None:
            self._events.append(events.MetadataMessage(message))

    def _receive_unknown(self) -> None:
        """Skipped: BEPs to come must not part peers. Endless ones do (W1)."""
        self._unknown_messages += 1
        if self._unknown_messages > UNKNOWN_MESSAGES_MAX:
            raise MessageError("too many messages of kinds we do not know")

    def _check_piece(self, piece_index: int) -> None:
        if self.geometry is not None:
            self.geometry.check_piece(piece_index)
        elif piece_index >= messages.PIECES_MAX:
            raise MessageError("a piece index outside any torrent")
