"""How peers leave a swarm, for whatever reason (BEP 3, 21; security X1, X3)."""

from torrentd.wire.formats.extension import UT_METADATA
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.swarm.actions import Action, Close
from torrentd.wire.swarm.peer import Peer
from torrentd.wire.swarm.rooms import Rooms


class Parting(Rooms):
    """Who goes is forgotten by every room, and then told."""

    def _part(
        self,
        peer: Peer,
        reason: str,
        actions: list[Action],
        now: float,
        *,
        misbehaved: bool = False,
    ) -> None:
        if peer.connection.their_peer_id == self.peer_id:
            self._company.met_ourselves(peer, now)
        self._forget(peer, now, misbehaved=misbehaved)
        actions.append(Close(peer.connection, reason))

    def _forget(self, peer: Peer, now: float, *, misbehaved: bool = False) -> None:
        peer.parted = True
        again = self._info_download.leave(peer, now)
        done = self._is_done_with(peer)
        self._company.part(peer, now, misbehaved=misbehaved, again=again, done=done)
        if self._download is not None:
            self._download.picker.leave(peer)
        if self._uploads is not None:
            self._uploads.ends(peer)
        if self._super is not None:
            self._super.leave(peer)
        self._rechoke_due = True

    def _part_if_done(self, peer: Peer, actions: list[Action], now: float) -> None:
        """Two that want nothing of each other need no connection."""
        if not peer.parted and self._is_done_with(peer):
            self._part(peer, "neither side wants anything", actions, now)

    def _part_from_redundant(self, actions: list[Action], now: float) -> None:
        """From partial seeds of whom nothing is wanted any more."""
        for peer in list(self._company.peers.values()):
            if peer.connection.upload_only and not peer.connection.am_interested:
                self._part_if_done(peer, actions, now)

    def _is_done_with(self, peer: Peer) -> bool:
        """Does neither side want anything of the other? A partial seed (BEP 21) that lacks what we
        lack will not gain it. Who may have come for the metadata is not done, nor is, while we want
        something, one of whose pieces we know nothing."""
        connection, download = peer.connection, self._download
        if download is None or not peer.greeted or not connection.upload_only:
            return False
        if connection.is_seed:
            return self.is_complete
        if _may_lack_metadata(connection):
            return False
        return self.is_complete or (
            connection.told_pieces and not peer.mask & download.picker.lacking
        )

    def _ban(self, liars: list[Peer], actions: list[Action], now: float) -> None:
        """They sent bytes that are not the torrent's (X1): their blocks do not count, their host is
        not welcome."""
        for liar in liars:
            if self._download is not None:
                self._download.wasted_bytes += self._download.picker.forget_sender(liar)
            for peer in self._company.ban(liar, now):
                self._part(peer, "it sent data that is not the torrent's", actions, now)


def _may_lack_metadata(connection: PeerConnection) -> bool:
    """It takes part in BEP 9, and named neither a size nor a piece."""
    extension = connection.extension
    return (
        extension is not None
        and UT_METADATA in extension.message_ids
        and extension.metadata_size is None
        and not connection.told_pieces
    )
