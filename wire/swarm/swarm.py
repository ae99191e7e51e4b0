"""One infohash: every decision about its peers and pieces (BEP 3, 5, 6, 9, 10, 11).

The rooms decide; `Conversation` is the peers' side, here is the daemon's. Every input returns its
actions; nothing is left to drain. Nothing from a peer raises.
"""

from collections.abc import Iterable
from random import Random

from torrentd.config.schema import Limits
from torrentd.wire.formats.address import Address, AddressPolicy
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.swarm.actions import Action, Close, Transmit
from torrentd.wire.swarm.buffer_pool import BufferPool
from torrentd.wire.swarm.candidate import Source
from torrentd.wire.swarm.company import Places
from torrentd.wire.swarm.download import Download, tell_lost
from torrentd.wire.swarm.info_serving import serve_waiting
from torrentd.wire.swarm.throttle import Throttle
from torrentd.wire.swarm.turn import Turn
from torrentd.wire.swarm.uploads import Uploads
from torrentd.wire.swarm.vantage import Vantage
from torrentd.wire.swarm.wish import ALL, Wish

HAVES_WAIT_S = 0.1  # haves of several pieces, and whatever else is to be said, share one packet


class Swarm(Turn):
    """The daemon's partner for one torrent. Connections that it does not know are ignored: the
    daemon may speak of one that the swarm closed a moment ago."""

    def __init__(
        self,
        infohash: InfoHash,
        *,
        peer_id: PeerId,
        limits: Limits,
        policy: AddressPolicy,
        rng: Random,
        listen_port: int,
        now: float,
        info: Info | None,
        metadata: bytes | None,
        wish: Wish = ALL,
        buffers: BufferPool | None = None,
        upload: Throttle | None = None,
        places: Places | None = None,
        vantage: Vantage | None = None,
    ) -> None:
        """Asleep until `start`. With `info` and `metadata`, `store_opened` comes before any piece
        is asked for; without, MetadataComplete comes first.
        `buffers`, the `upload` limit, `places` and `vantage`: shared with other swarms; None: its
        own, and none."""
        super().__init__(
            infohash,
            peer_id=peer_id,
            limits=limits,
            policy=policy,
            rng=rng,
            listen_port=listen_port,
            now=now,
            info=info,
            metadata=metadata,
            buffers=buffers,
            upload=upload,
            places=places,
            vantage=vantage,
        )
        self.wish = wish

    # ---- life

    def start(self, now: float, announce_at: float | None = None) -> list[Action]:
        """Look for peers, take connections. `announce_at`: see SearchSchedule."""
        self.running = True
        self._schedule.start(now, announce_at)
        return self.tick(now)

    def stop(self, now: float) -> list[Action]:
        """Part from everybody and rest, until `start`."""
        self.running = False
        self._schedule.stop()
        actions: list[Action] = []
        for peer in list(self._company.peers.values()):
            self._forget(peer, now)
            actions.append(Close(peer.connection, "the torrent is stopped"))
        self._company.forget_dials(now)
        if self._download is not None:
            self._download.rest()
        self._haves_due_at = None
        return self._finish(actions, now)

    def tick(self, now: float) -> list[Action]:
        """Whatever is due; late or early calls are fine."""
        actions: list[Action] = []
        if self.running:
            search = self._schedule.due(now, hungry=self._is_hungry())
            if search is not None:
                actions.append(search)
        for connection, peer in list(self._company.peers.items()):
            if connection.next_deadline() <= now and not peer.parted:
                self._take(peer, connection.tick(now), actions, now)
                self._refill(peer, now)
        if self.metadata is None:
            self._info_download.tick(now)
        self._exchange.tick(list(self._company.peers.values()), now)
        if self._download is not None:
            self._download.picker.wake(now)
            if self._buffers.waits_for_others:
                self._download.retry()
        self._forgive(now)
        if self._haves_due_at is not None and self._haves_due_at <= now:
            self._haves_due_at = None
        self._serve_due(actions, now)
        round_at = self._choker.next_deadline()
        self._rechoke_due |= round_at is not None and round_at <= now
        return self._finish(actions, now)

    @property
    def announce_at(self) -> float | None:
        """When it is to be announced next."""
        return self._schedule.announce_at

    # ---- peers

    def peers_found(self, addresses: Iterable[Address], source: Source, now: float) -> list[Action]:
        """Somebody told us these."""
        self._is_sent_to_peers |= source == "manual"
        self._company.candidates.add(addresses, source, now)
        return self._finish([], now)

    def dial_failed(self, address: Address, now: float) -> list[Action]:
        """A Dial came to nothing."""
        self._company.dial_failed(address, now)
        return self._finish([], now)

    def network_returned(self, lost_at: float, now: float) -> list[Action]:
        """It was away since then, or is another one now: look for peers, and forgive."""
        self._company.candidates.forgive(lost_at)
        self._schedule.begin_anew(now, complete=self.is_complete)
        return self.tick(now)

    def search_now(self, now: float) -> list[Action]:
        """The user does not want to wait: search and announce at once, dial who failed again."""
        self._company.candidates.forgive(0.0)
        self._schedule.begin_anew(now, complete=False)
        return self.tick(now)

    def add_connection(self, connection: PeerConnection, now: float) -> list[Action]:
        """An outgoing connection whose TCP is up, or an incoming one after its HandshakeCompleted.
        The connection is the swarm's from now on, or there is a Close for it."""
        actions: list[Action] = []
        if not self.running:
            self._company.dial_failed(connection.address, now)
            return [Close(connection, "the torrent is stopped")]
        wants = not self.is_complete
        useless = self._company.to_evict(connection, now, wants=wants)
        if useless is not None:
            self._part(useless, "of no use, and others wait", actions, now)
        if not connection.outgoing and connection.infohash is None:
            connection.accept(self.infohash, now)
        peer, parting = self._company.admit(connection, now, wants=wants)
        for loser in parting:
            self._part(loser, "no room, or one of its host is here", actions, now)
        if self.metadata is None and connection.outgoing and not peer.parted:
            self._info_download.ask_ahead(peer, self._listen_port, now)
        if connection.handshake is not None and not peer.parted:
            self._greet(peer, actions, now)
            self._take(peer, connection.tick(now), actions, now)  # what came behind it
            self._refill(peer, now)
        return self._finish(actions, now)

    def connection_lost(self, connection: PeerConnection, now: float) -> list[Action]:
        """The transport is gone."""
        peer = self._company.peers.get(connection)
        if peer is None:
            return []
        self._forget(peer, now)
        return self._finish([], now)

    def receive_data(
        self, connection: PeerConnection, data: memoryview, now: float
    ) -> list[Action]:
        """Bytes of the peer; `data` is not kept."""
        peer = self._company.peers.get(connection)
        if peer is None:
            return []
        actions: list[Action] = []
        before_bytes = connection.downloaded_bytes
        told = connection.receive_data(data, now)
        received_bytes = connection.downloaded_bytes - before_bytes
        if received_bytes:
            self.downloaded_bytes += received_bytes
            self.download_rate.add(received_bytes, now)
        quiet = self._take(peer, told, actions, now)
        self._refill(peer, now)
        if not quiet:
            return self._finish(actions, now)
        self._now = now
        self._feed(actions, now)
        if connection.has_data_to_send:
            actions.append(Transmit(connection))
        self._be_called_at(connection.next_deadline())
        return actions

    def transport_resumed(self, connection: PeerConnection, now: float) -> list[Action]:
        """It takes bytes again."""
        actions: list[Action] = []
        peer = self._company.peers.get(connection)
        if peer is not None and peer.paused:
            peer.paused = False
            serve_waiting(peer, self.metadata)
            self._serve(peer, actions, now)
            if peer.parted:
                return self._finish(actions, now)
            if connection.has_data_to_send:
                actions.append(Transmit(connection))
        return actions

    def metadata_decoded(
        self, metadata: bytes, decoded: Info | MetainfoError, now: float
    ) -> list[Action]:
        """The answer to DecodeMetadata."""
        return self._finish(self._metadata_decoded(metadata, decoded, [], now), now)

    # ---- the store

    def store_opened(self, have: Bitfield, now: float) -> list[Action]:
        """The metadata is known and existing data is checked: `have` is there. Pieces may be asked
        for. Peers that came before are told by single haves, since a bitfield may only be first."""
        assert self.info is not None, "a store was opened without metadata"
        actions: list[Action] = []
        previous = self._download
        self._buffers.abandon()
        self._download = Download(self.info, have.copy(), self.wish, self._buffers, self._rng)
        if self._completed_told and not self.is_complete:
            self._want_again(now)
        self._company.candidates.recall()
        stock, meter = self._download.picker, self.upload_meter
        self._uploads = Uploads(self._limits, self.info.geometry, meter, stock, self.quota)
        self.quota = self._uploads.quota
        self._follow_super(now, anew=True)
        for piece_index in previous.have - have if previous is not None else ():
            self._uploads.lost(piece_index)
            tell_lost(piece_index, self._company.peers.values())
        for peer in list(self._company.peers.values()):
            if peer.greeted:
                if previous is not None:
                    previous.picker.leave(peer)
                self._download.picker.join(peer)
                if self._super is not None and (previous is None or peer.revealed is not None):
                    self._super.join(peer)  # it knows of nothing yet, or of little
                    self._super.show(peer, now)
                else:
                    self._download.tell_all(peer)
                    peer.revealed = None
                self._allow_fast(peer)
                self._download.update_interest(peer)
                self._refill(peer, now)
        return self._finish(self._complete(actions, now), now)

    def piece_stored(self, piece_index: int, buffer: memoryview, now: float) -> list[Action]:
        """The piece matches its hash and is written."""
        actions: list[Action] = []
        if self._download is None or not self._download.is_storing(piece_index):
            return actions
        liars = self._download.stored(piece_index, self._company.peers.values())
        self._ban(liars, actions, now)
        if self._haves_due_at is None:
            self._haves_due_at = now + HAVES_WAIT_S
        self._part_from_redundant(actions, now)
        if self.is_complete:
            self._follow_super(now)
        self._complete(actions, now)
        if actions:
            return self._finish(actions, now)
        self._feed(actions, now)
        self._be_called_at(self._haves_due_at)
        return actions

    def piece_refused(self, piece_index: int, buffer: memoryview, now: float) -> list[Action]:
        """The piece does not match its hash (X1)."""
        actions: list[Action] = []
        if self._download is not None and self._download.is_storing(piece_index):
            self._ban(self._download.refused(piece_index, now), actions, now)
        return self._finish(actions, now)

    def store_failed(self, piece_index: int, buffer: memoryview, now: float) -> list[Action]:
        """The disk failed: the blocks count as not received, and nobody is blamed (X2)."""
        if self._download is not None and self._download.is_storing(piece_index):
            self._download.picker.store_failed(piece_index)
        return self._finish([], now)

    def blocks_read(
        self,
        connection: PeerConnection,
        piece_index: int,
        blocks: list[tuple[int, bytes | memoryview]],
        now: float,
    ) -> list[Action]:
        """The answer to ReadBlocks: what is still owed is sent, and more is read."""
        actions: list[Action] = []
        peer = self._company.peers.get(connection)
        if peer is None or self._uploads is None:
            return actions
        sent_bytes = self._uploads.blocks_read(peer, piece_index, blocks, now)
        if sent_bytes:
            self.uploaded_bytes += sent_bytes
            self.upload_rate.add(sent_bytes, now)
        if connection.has_data_to_send:
            actions.append(Transmit(connection))
        self._serve(peer, actions, now)
        return self._finish(actions, now) if peer.parted else actions

    def read_failed(
        self,
        connection: PeerConnection,
        piece_index: int,
        blocks: list[tuple[int, int]],
        now: float,
    ) -> list[Action]:
        """The store could not read `(begin, length)`s: the peer is told no."""
        peer = self._company.peers.get(connection)
        if peer is not None and self._uploads is not None:
            self._uploads.read_failed(peer, piece_index, blocks)
        return self._finish([], now)

    def piece_lost(self, piece_index: int, now: float) -> list[Action]:
        """What was stored is no longer there (F8): it is fetched again."""
        if self._download is not None and self._uploads is not None:
            self._download.lost(piece_index, self._company.peers.values())
            self._uploads.lost(piece_index)
            self._company.candidates.recall()
            self._follow_super(now)
            if self._completed_told and not self.is_complete:
                self._want_again(now)
            for peer in self._company.peers.values():
                if peer.greeted:
                    self._download.update_interest(peer)
        return self._finish([], now)

    def change_wish(self, wish: Wish, now: float) -> list[Action]:
        """Other files are wanted, or in another order."""
        self.wish = wish
        if self._download is None:
            return []
        self._download.change_wish(wish, self._company.peers.values())
        self._company.candidates.recall()
        if self._completed_told and not self.is_complete:
            self._want_again(now)
        actions: list[Action] = []
        self._part_from_redundant(actions, now)
        return self._finish(self._complete(actions, now), now)

    def seed_super(self, wanted: bool, now: float) -> list[Action]:
        """Show each peer a piece or two at a time whenever every piece is here (BEP 16). Those who
        know of more are parted from, and may come again."""
        actions: list[Action] = []
        before, self._wants_super = self._super, wanted
        self._follow_super(now)
        if self._super is not None and before is None:
            self._part_from_all("super seeding begins", actions, now)
        return self._finish(actions, now)

    def hold_download(self, held: bool, now: float) -> list[Action]:
        """While held no piece is begun, for what else comes has no place to go; peers are kept."""
        self._buffers.hold(held)
        if self._download is not None and not held:
            self._download.retry()
        return self._finish([], now)
