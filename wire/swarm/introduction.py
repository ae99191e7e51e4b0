"""What a swarm tells peers of itself: its pieces, and that it wants nothing (BEP 3, 6, 10, 16, 21).

A part of `Swarm`; what peers tell is in `conversation`.
"""

from torrentd.wire.formats.allowed_fast import ALLOWED_FAST_COUNT, allowed_fast_set
from torrentd.wire.swarm.actions import Action
from torrentd.wire.swarm.parting import Parting
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.super_seeding import SuperSeeding


class Introduction(Parting):
    """Between how peers leave and what they say."""

    def _tell_pieces(self, peer: Peer) -> None:
        """The first word. One who seeds super "masquerades as a normal client with no data"."""
        if self._super is not None:
            self._super.join(peer)
        no_data = self._download is None or self._super is not None
        peer.connection.send_pieces(None if no_data else self.have)

    def _send_extension_handshake(self, peer: Peer, now: float) -> None:
        peer.connection.send_extension_handshake(
            len(self.metadata) if self.metadata is not None else None,
            self._listen_port,
            self.is_upload_only,
            now,
        )

    def _allow_fast(self, peer: Peer) -> None:
        """Something to begin with for a peer that has nothing to trade (BEP 6)."""
        download = self._download
        if download is None or self._super is not None or not peer.connection.supports_fast:
            return
        host, piece_count = peer.address.host, download.have.size
        for piece_index in allowed_fast_set(host, self.infohash, piece_count, ALLOWED_FAST_COUNT):
            if piece_index in download.have:
                peer.connection.send_allowed_fast(piece_index)

    def _tell_upload_only(self, peer: Peer, now: float) -> None:
        """Whether we want nothing more, when that changed (BEP 21)."""
        if not peer.connection.send_upload_only(self.is_upload_only):
            self._send_extension_handshake(peer, now)

    def _follow_super(self, now: float, *, anew: bool = False) -> None:
        """Super seeding begins or ends, as wanted, and as every piece is here or not. `anew`: there
        is another download."""
        if anew:
            self._super = None
        download, wanted = self._download, self._wants_super and self.is_seed
        if download is None or wanted == (self._super is not None):
            return
        if wanted:
            self._super = SuperSeeding(download.picker, self._rng)
            return
        self._super = None
        for peer in self._company.peers.values():
            if peer.revealed is not None:
                download.tell_all(peer)
                peer.revealed = None
            if peer.greeted:
                self._tell_upload_only(peer, now)

    def _part_from_all(self, reason: str, actions: list[Action], now: float) -> None:
        """They may come again at once."""
        for peer in list(self._company.peers.values()):
            self._part(peer, reason, actions, now)
        self._company.candidates.forgive(now)
