"""How peers leave a swarm, for whatever reason (BEP 3, 21; security X1, X3)."""

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
        self._rechoke_due = True

    def _part_if_done(self, peer: Peer, actions: list[Action], now: float) -> None:
        """Two that want nothing more need no connection."""
        if not peer.parted and self._is_done_with(peer):
            self._part(peer, "neither side wants anything", actions, now)

    def _is_done_with(self, peer: Peer) -> bool:
        """Does neither side want anything? One that only has no metadata yet is not done, nor is
        one of whose pieces we know nothing."""
        if not self.is_complete or not peer.greeted:
            return False
        extension = peer.connection.extension
        return peer.connection.is_seed or (extension is not None and extension.upload_only)

    def _ban(self, liars: list[Peer], actions: list[Action], now: float) -> None:
        """They sent bytes that are not the torrent's (X1): their blocks do not count, their host is
        not welcome."""
        for liar in liars:
            if self._download is not None:
                self._download.wasted_bytes += self._download.picker.forget_sender(liar)
            for peer in self._company.ban(liar, now):
                self._part(peer, "it sent data that is not the torrent's", actions, now)
