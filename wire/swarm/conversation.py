"""What peers say, and what that means for the swarm (BEP 3, 5, 6, 9, 10, 11).

Half of `Swarm`: it routes the events of connections to the rooms, and never raises for what a peer
did. Events are *quiet* when only their own connection can have something to send after
them, which is so for nearly all there are; after any other one the whole swarm is looked over.
"""

from torrentd.wire.formats.allowed_fast import ALLOWED_FAST_COUNT
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.extension import UT_METADATA, ExtensionHandshake
from torrentd.wire.formats.geometry import BlockRef
from torrentd.wire.formats.metadata import MetadataData, MetadataMessage, MetadataRequest
from torrentd.wire.formats.metainfo import Info, decode_info
from torrentd.wire.formats.pex import Pex
from torrentd.wire.peer import events
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.peer.events import Event
from torrentd.wire.swarm.actions import (
    Action,
    Completed,
    DecodeMetadata,
    MetadataComplete,
    MetadataRefused,
    NodeSeen,
)
from torrentd.wire.swarm.exchange import speaks_pex
from torrentd.wire.swarm.info_serving import serve_metadata
from torrentd.wire.swarm.introduction import Introduction
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.piece_mask import mask_of
from torrentd.wire.swarm.uploads import REFUSALS_MAX

DECLINED_S = 10.0  # before a peer is asked again for a piece that it would not send
LARGE_METADATA_BYTES = 256 * 1024  # above it, decoding leaves the loop (T14)


class Conversation(Introduction):
    """The peers' side of a swarm."""

    # ---- the events of one connection

    def transport_paused(self, connection: PeerConnection) -> list[Action]:
        """It takes no more bytes: nothing more is read for this peer."""
        peer = self._company.peers.get(connection)
        if peer is not None:
            peer.paused = True
        return []

    def _take(self, peer: Peer, told: list[Event], actions: list[Action], now: float) -> bool:
        """Routes the events of one call. Returns whether all of them were quiet."""
        quiet = True
        at, end = 0, len(told)
        while at < end:
            if self._download is not None:
                at = self._download.take_blocks(peer, told, at, actions)
                if at == end:
                    break
            event = told[at]
            at += 1
            if not self._take_quiet(peer, event, actions, now):
                quiet = False
                self._take_loud(peer, event, actions, now)
            if peer.parted:
                return False
        return quiet

    def _take_quiet(self, peer: Peer, event: Event, actions: list[Action], now: float) -> bool:
        match event:
            case events.BlocksRequested():
                self._serve(peer, actions, now)
            case events.Have():
                self._receive_have(peer, event.piece_index, actions, now)
            case events.DontHave():
                self._receive_dont_have(peer, event)
            case events.RequestRejected():
                self._receive_reject(peer, event.block, now)
            case events.UnrequestedBlock():
                self._wasted_bytes += event.length
            case events.BlockReceived():  # the store is closed
                self._wasted_bytes += len(event.data)
            case events.AllowedFast():
                peer.fast_mask |= 1 << event.piece_index
                peer.starved_at = -1
            case events.Unchoked():
                peer.declined = 0
                peer.starved_at = -1
            case _:
                return False
        return True

    def _take_loud(self, peer: Peer, event: Event, actions: list[Action], now: float) -> None:
        match event:
            case events.HandshakeCompleted():
                self._greet(peer, actions, now)
            case events.Choked():
                self._lose_requests(peer, event.lost)
            case events.RequestsTimedOut():
                self._lose_requests(peer, event.blocks)
            case events.InterestChanged():
                self._rechoke_due = True
            case events.PiecesChanged():
                self._receive_pieces(peer, actions, now)
            case events.ConnectionFailed():
                self._part(peer, event.reason, actions, now, misbehaved=event.misbehaved)
            case _:
                self._take_extended(peer, event, actions, now)

    def _take_extended(self, peer: Peer, event: Event, actions: list[Action], now: float) -> None:
        match event:
            case events.ExtensionHandshakeReceived():
                self._receive_extension_handshake(peer, event.handshake, actions, now)
            case events.MetadataMessage():
                self._receive_metadata(peer, event.message, actions, now)
            case events.PexReceived():
                self._receive_pex(peer, event.pex, actions, now)
            case events.UploadOnlyChanged():
                self._part_if_done(peer, actions, now)
            case events.PortReceived():
                if self._policy.allows_node(event.address):
                    actions.append(NodeSeen(event.address))
            case _:
                raise AssertionError(event)

    def _greet(self, peer: Peer, actions: list[Action], now: float) -> None:
        """Both handshakes are done. The bitfield goes first (BEP 3), then what we can (BEP 10)."""
        double = self._company.greeted(peer)
        if double is not None:
            self._part(double, "a second connection with this peer", actions, now)
            if double is peer:
                return
        connection = peer.connection
        self._tell_pieces(peer)
        if not peer.asked_ahead:
            self._send_extension_handshake(peer, now)
        if connection.supports_dht:
            connection.send_port(self._listen_port)
        if self._download is not None:
            self._download.picker.join(peer)
            self._allow_fast(peer)
        if self._super is not None and not connection.supports_fast:
            self._super.show(peer, now)  # the others say first what they have
        if self.info is not None and connection.geometry is None:
            told = connection.set_geometry(self.info.geometry, now)
            self._take(peer, told, actions, now)

    def _end_fast_start(self, peer: Peer) -> None:
        """ "A peer MAY reject requests for already Allowed Fast pieces … if the requesting peer is
        not a starting peer" (BEP 6): who has something to trade gets nothing more for nothing."""
        allowed = peer.connection.allowed_fast_out
        if allowed and peer.mask.bit_count() >= ALLOWED_FAST_COUNT:
            allowed.clear()

    def _receive_pieces(self, peer: Peer, actions: list[Action], now: float) -> None:
        pieces = peer.connection.pieces
        assert pieces is not None, "pieces were told before the metadata was known"
        peer.mask = mask_of(pieces)
        self._end_fast_start(peer)
        if self._download is not None:
            self._download.picker.pieces_changed(peer)
            self._download.update_interest(peer)
        if self._super is not None:
            self._super.look(now)
        self._part_if_done(peer, actions, now)

    def _receive_have(
        self, peer: Peer, piece_index: int, actions: list[Action], now: float
    ) -> None:
        peer.mask |= 1 << piece_index
        if self._uploads is not None:
            self._uploads.gained(peer, piece_index)
        self._end_fast_start(peer)
        if self._download is not None:
            self._download.picker.has_piece(peer, piece_index)
            if not peer.connection.am_interested:
                self._download.update_interest(peer)
            if self._super is not None:
                shown = self._super.has_piece(piece_index, now)
                self._download.touched |= dict.fromkeys(shown)
        if peer.connection.upload_only:
            self._part_if_done(peer, actions, now)

    def _receive_dont_have(self, peer: Peer, event: events.DontHave) -> None:
        """ "It marks the piece as unavailable at the sending peer" (BEP 54)."""
        bit = 1 << event.piece_index
        peer.mask &= ~bit
        peer.fast_mask &= ~bit
        peer.lost_mask |= bit
        if self._uploads is not None:
            self._uploads.peer_lost(peer, event.piece_index)
        if self._download is not None:
            self._download.picker.lost_piece(peer, event.piece_index)
            self._download.picker.lost(event.lost, peer)
            if peer.connection.am_interested:
                self._download.update_interest(peer)

    def _lose_requests(self, peer: Peer, blocks: list[BlockRef]) -> None:
        if self._download is not None:
            self._download.picker.lost(blocks, peer)
            self._download.picker.stalled(peer)

    def _receive_reject(self, peer: Peer, block: BlockRef, now: float) -> None:
        """A peer that refuses while it does not choke us is not asked for that piece again before
        its next unchoke or ten seconds later: asking on would go on for ever. One that chokes us
        does not serve that piece meanwhile."""
        if peer.connection.peer_choking:
            peer.fast_mask &= ~(1 << block.piece_index)
        else:
            peer.declined |= 1 << block.piece_index
            if self._forgive_at is None:
                self._forgive_at = now + DECLINED_S
                self._be_called_at(self._forgive_at)
        if self._download is not None:
            self._download.picker.lost([block], peer)

    def _forgive(self, now: float) -> None:
        """Who would not send a piece then may do so now."""
        if self._forgive_at is None or now < self._forgive_at:
            return
        self._forgive_at = None
        for peer in self._company.peers.values():
            if peer.declined:
                peer.declined = 0
                peer.starved_at = -1
                self._refill(peer, now)

    def _serve(
        self, peer: Peer, actions: list[Action], now: float, *, in_turn: bool = False
    ) -> None:
        if self._uploads is not None and self._download is not None:
            actions += self._uploads.serve(peer, self._download.have, now, in_turn=in_turn)
            due_at = self._uploads.next_deadline()
            if due_at is not None:
                self._be_called_at(due_at)
            if peer.refusals > REFUSALS_MAX:
                reason = "requests for pieces that we never had"
                self._part(peer, reason, actions, now, misbehaved=True)
            elif peer.outdated > self._limits.requests_queued_max:  # a full queue may be on its way
                self._part(peer, "it will not see that we lost pieces", actions, now)

    def _serve_due(self, actions: list[Action], now: float) -> None:
        """The rate limit has room again for those who waited for it."""
        for peer in self._uploads.due(now) if self._uploads is not None else ():
            if not peer.parted:
                self._serve(peer, actions, now, in_turn=True)

    def _rechoke(self, now: float) -> None:
        uploads = self._uploads
        if uploads is None:
            return
        served = []
        last: dict[PeerConnection, None] = {}
        for peer in self._company.peers.values():
            if not peer.greeted:
                continue
            if uploads.may_serve(peer, now):
                served.append(peer.connection)
                if uploads.is_doubtful(peer, now):
                    last[peer.connection] = None
            elif not peer.connection.am_choking:
                peer.connection.send_choke(now)
                uploads.ends(peer)
        to_unchoke, to_choke = self._choker.rechoke(
            served,
            now,
            seeding=self.is_complete,
            uploaded_bytes=self.uploaded_bytes,
            last=last,
        )
        for connection in to_choke:
            connection.send_choke(now)
            uploads.ends(self._company.peers[connection])
        for connection in to_unchoke:
            connection.send_unchoke(now)

    def _refill(self, peer: Peer, now: float) -> None:
        if self._download is not None and not peer.parted:
            self._download.refill(peer, now)

    def _complete(self, actions: list[Action], now: float) -> list[Action]:
        """Says once that all that is wanted is there, and parts from who wants nothing either."""
        if self._completed_told or not self.is_complete:
            return actions
        self._completed_told = True
        actions.append(Completed())
        for peer in list(self._company.peers.values()):
            self._part_if_done(peer, actions, now)
            if peer.greeted and not peer.parted:
                self._tell_upload_only(peer, now)
        return actions

    def _want_again(self, now: float) -> None:
        """More is wanted than was: seeds that were parted from are dialed again, and those who are
        here hear that we do not only upload (BEP 21)."""
        self._completed_told = False
        self._rechoke_due = True  # and hungry, when nobody is here
        for peer in self._company.peers.values():
            if peer.greeted:
                self._tell_upload_only(peer, now)

    # ---- extensions

    def _receive_extension_handshake(
        self, peer: Peer, handshake: ExtensionHandshake, actions: list[Action], now: float
    ) -> None:
        if not peer.connection.outgoing and handshake.listen_port is not None:
            self._company.listens(peer, handshake.listen_port, now)
        if self.metadata is None:
            speaks = UT_METADATA in handshake.message_ids
            self._info_download.offer(peer, handshake.metadata_size if speaks else None, now)
        if speaks_pex(peer.connection):
            self._exchange.join(peer, self._company.peers.values(), now)
        self._part_if_done(peer, actions, now)

    def _receive_metadata(
        self, peer: Peer, message: MetadataMessage, actions: list[Action], now: float
    ) -> None:
        match message:
            case MetadataRequest():
                serve_metadata(peer, message.piece, self.metadata)
            case MetadataData():
                lacked = self._info_download.metadata is None
                reason = self._info_download.receive(peer, message, now)
                if reason is not None:
                    self._part(peer, reason, actions, now, misbehaved=True)
                elif lacked and self._info_download.metadata is not None:
                    self._complete_metadata(self._info_download.metadata, actions, now)
            case _:
                self._info_download.rejected(peer, message.piece, now)

    def _complete_metadata(self, metadata: bytes, actions: list[Action], now: float) -> None:
        if len(metadata) > LARGE_METADATA_BYTES:
            actions.append(DecodeMetadata(metadata))
            return
        try:
            decoded: Info | MetainfoError = decode_info(metadata)
        except MetainfoError as error:
            decoded = error
        self._metadata_decoded(metadata, decoded, actions, now)

    def _metadata_decoded(
        self, metadata: bytes, decoded: Info | MetainfoError, actions: list[Action], now: float
    ) -> list[Action]:
        if isinstance(decoded, MetainfoError):
            actions.append(MetadataRefused(decoded.reason))
            return actions
        self.info, self.metadata = decoded, metadata
        actions.append(MetadataComplete(metadata, decoded))
        for peer in list(self._company.peers.values()):
            if peer.greeted and not peer.parted:
                told = peer.connection.set_geometry(decoded.geometry, now)
                self._send_extension_handshake(peer, now)
                self._take(peer, told, actions, now)
        return actions

    def _receive_pex(self, peer: Peer, pex: Pex, actions: list[Action], now: float) -> None:
        addresses = self._exchange.receive(peer, pex, now, complete=self.is_complete)
        if addresses is None:
            self._part(peer, "peer exchange too often", actions, now, misbehaved=True)
        else:
            self._company.candidates.add(addresses, "pex", now)
