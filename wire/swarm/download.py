"""The pieces we lack, asked for, gathered and handed over to be hashed (BEP 3, 6)."""

from collections.abc import Iterable
from random import Random

from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.geometry import BLOCK_BYTES, BlockRef
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.peer.events import BlockReceived, BlocksReceived, Event
from torrentd.wire.swarm.actions import Action, StorePiece
from torrentd.wire.swarm.assembly import Assembly
from torrentd.wire.swarm.buffer_pool import Share
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.picker import Picker
from torrentd.wire.swarm.piece_mask import bitfield_of, indices, mask_of
from torrentd.wire.swarm.wish import Wish, order_of


class Download:
    """One torrent's pieces, from the moment its store is open. `have` is what is stored."""

    def __init__(
        self,
        info: Info,
        have: Bitfield,
        wish: Wish,
        buffers: Share,
        rng: Random,
    ) -> None:
        self.have = have
        self.wasted_bytes = 0
        self.touched: dict[
            Peer, None
        ] = {}  # a block was cancelled of these: they have bytes to send
        self._info = info
        self._buffers = buffers
        order = order_of(info, wish)
        self.picker = Picker(info.geometry, mask_of(have), order, buffers, rng)

    @property
    def is_complete(self) -> bool:
        """Every wanted piece is had."""
        return not self.picker.lacking

    @property
    def wanted(self) -> Bitfield:
        """The pieces of the selected files."""
        return bitfield_of(self.picker.wanted, self._info.geometry.piece_count)

    @property
    def wanted_bytes(self) -> int:
        """Size of the wanted pieces."""
        return self._bytes_of(self.picker.wanted)

    @property
    def done_bytes(self) -> int:
        """Of those, what is stored."""
        return self._bytes_of(self.picker.wanted & self.picker.had)

    def take_blocks(self, peer: Peer, told: list[Event], at: int, actions: list[Action]) -> int:
        """Takes the run of blocks at `told[at]`; returns where it ends. The byte path: one look-up
        a piece; the bytes of all but late blocks lie in their place."""
        end = len(told)
        while at < end:
            event = told[at]
            if type(event) is BlocksReceived:
                self._take_run(peer, event, actions)
            elif type(event) is BlockReceived:
                self._take_late(peer, event, actions)
            else:
                break
            at += 1
        return at

    def _take_run(self, peer: Peer, event: BlocksReceived, actions: list[Action]) -> None:
        assembly = self.picker.assemblies.get(event.piece_index)
        if assembly is None or assembly.view is not event.buffer:
            self.wasted_bytes += len(event.begins) * BLOCK_BYTES  # begun again a moment ago
            return
        self._cancel(assembly.placed(event.begins, peer))
        self._fill(assembly, actions)

    def _take_late(self, peer: Peer, event: BlockReceived, actions: list[Action]) -> None:
        assembly = self.picker.assemblies.get(event.piece_index)
        asked = None
        if assembly is not None:
            asked = assembly.receive(event.begin, event.data, peer)
        if assembly is None or asked is None:
            self.wasted_bytes += len(event.data)
            return
        self._cancel(asked)
        self._fill(assembly, actions)

    def _fill(self, assembly: Assembly, actions: list[Action]) -> None:
        if assembly.is_full:
            self.picker.filled(assembly)
            actions.append(StorePiece(assembly.piece_index, assembly.view, assembly.hash))

    def refill(self, peer: Peer, now: float) -> None:
        """Asks the peer for as many blocks as it should owe us."""
        connection = peer.connection
        if connection.peer_choking and not peer.fast_mask:
            return
        room = connection.outstanding.capacity(now)
        if room:
            blocks = self.picker.pick(peer, room)
            if blocks:
                connection.send_requests(blocks, now)

    def retry(self) -> None:
        """Somebody else may have given memory back, or we may write again."""
        self._buffers.retry()
        self.picker.look_again()

    def feed_starved(self, peers: Iterable[Peer], now: float) -> list[Peer]:
        """Blocks became available: those who had too little to do are asked. Returns them."""
        starved = [peer for peer in peers if peer.starved_at >= 0]
        for peer in starved:
            self.refill(peer, now)
        self.picker.freed = False
        return starved

    def is_storing(self, piece_index: int) -> bool:
        """Is an answer of the store expected? Not after the store was opened anew."""
        return piece_index in self.picker.storing

    def tell_all(self, peer: Peer) -> None:
        """Every piece that we have, that the peer has not, and was not told of, one by one."""
        for piece_index in indices(self.picker.had & ~peer.mask & ~(peer.revealed or 0)):
            peer.connection.send_have(piece_index)

    def update_interest(self, peer: Peer) -> None:
        """Tells the peer when we begin or cease to want something of it."""
        interested = bool(peer.mask & self.picker.lacking)
        if interested != peer.connection.am_interested:
            if interested:
                peer.connection.send_interested()
            else:
                peer.connection.send_not_interested()

    def stored(self, piece_index: int, peers: Iterable[Peer]) -> list[Peer]:
        """The piece is on disk: everybody is told, also who has it, since a seed serves those that
        gain by it. Returns who lied about it before."""
        assembly = self.picker.stored(piece_index)
        self.have.set(piece_index)
        for peer in peers:
            if peer.greeted:
                peer.connection.send_have(piece_index)
                if peer.connection.am_interested:
                    self.update_interest(peer)
        if self.is_complete:
            self._buffers.rest()
        return self.picker.suspects.stored(assembly)

    def refused(self, piece_index: int, now: float) -> list[Peer]:
        """The piece does not match its hash. Returns who is convicted."""
        self.wasted_bytes += self._info.geometry.piece_size(piece_index)
        return self.picker.refused(piece_index, now)

    def rest(self) -> None:
        """The torrent is stopped: memory is given back."""
        self.picker.drop_partial()
        self._buffers.rest()

    def lost(self, piece_index: int, peers: Iterable[Peer]) -> None:
        """What we had is gone from the disk: those who may know of it are told (BEP 54)."""
        if piece_index in self.have:
            self.have.clear(piece_index)
            self.picker.piece_lost(piece_index)
            tell_lost(piece_index, peers)

    def change_wish(self, wish: Wish, peers: Iterable[Peer]) -> None:
        """Other files are wanted, or in another order."""
        for peer, block in self.picker.change_order(order_of(self._info, wish)):
            peer.connection.send_cancel(block)
        for peer in peers:
            if peer.greeted:
                self.update_interest(peer)

    def _cancel(self, asked: list[tuple[Peer, BlockRef]]) -> None:
        for other, block in asked:
            other.connection.send_cancel(block)
            self.touched[other] = None

    def _bytes_of(self, mask: int) -> int:
        geometry = self._info.geometry
        last = geometry.piece_count - 1
        short_bytes = geometry.piece_length - geometry.piece_size(last)
        return mask.bit_count() * geometry.piece_length - (mask >> last & 1) * short_bytes


def tell_lost(piece_index: int, peers: Iterable[Peer]) -> None:
    """We no longer have it (BEP 54)."""
    for peer in peers:
        if peer.greeted:
            peer.connection.send_dont_have(piece_index)
