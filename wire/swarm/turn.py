"""What follows every input: who is asked, dialed, told or sent away because of it, and when the
swarm is to be called again (BEP 3).

A half of `Swarm`; no input is here.
"""

from torrentd.wire.swarm.actions import Action, Transmit
from torrentd.wire.swarm.conversation import Conversation
from torrentd.wire.swarm.rooms import BUFFERS_RETRY_S


class Turn(Conversation):
    """The end of each turn."""

    def next_deadline(self) -> float | None:
        """When `tick` may have something to do; None while nothing is."""
        if not self._deadline_known:
            self._deadline = min(self._deadlines(), default=None)
            self._deadline_known = True
        return self._deadline

    def _finish(self, actions: list[Action], now: float) -> list[Action]:
        """What an input may have made possible for others than its own connection."""
        peers = self._company.peers
        self._now = now
        if self._rechoke_due:
            self._rechoke_due = False
            self._rechoke(now)
            if self._super is not None:
                self._super.look(now)
            if self.running and self._is_hungry():
                self._schedule.hungry(now)
        if self._download is not None and self._download.picker.freed:
            self._download.feed_starved(peers.values(), now)
        if self.running:
            self._make_room(actions, now)
            actions += self._company.dial(now)
        actions += [Transmit(connection) for connection in peers if connection.has_data_to_send]
        self._deadline_known = False
        return actions

    def _make_room(self, actions: list[Action], now: float) -> None:
        """A full swarm parts from those who give nothing, and now and then from who gives least."""
        download = self._download
        if self.is_complete or not self._company.lacks_room(now):
            return
        lacking = download.picker.lacking if download is not None else 0
        for peer in self._company.make_room(lacking, now):
            gave = "least" if peer.replaced else "nothing"
            self._part(peer, f"it gave {gave}, and others wait", actions, now)

    def _feed(self, actions: list[Action], now: float) -> None:
        """After a quiet input: whoever else has something to do or to say because of it."""
        download = self._download
        if download is None or not (download.picker.freed or download.touched):
            return
        touched = download.touched
        if download.picker.freed:
            fed = download.feed_starved(self._company.peers.values(), now)
            touched |= dict.fromkeys(fed)
        for peer in touched:
            if peer.connection.has_data_to_send and not peer.parted:
                actions.append(Transmit(peer.connection))
                self._be_called_at(peer.connection.next_deadline())
        download.touched = {}

    def _is_hungry(self) -> bool:
        return not self.is_complete and not self._company.peers

    def _deadlines(self) -> list[float]:
        peers = self._company.peers
        more: list[float | None] = [connection.next_deadline() for connection in peers]
        if self.running:
            wants = not self.is_complete
            more.append(self._schedule.next_deadline())
            more.append(self._company.next_deadline(self._now, wants=wants))
        if self.metadata is None:
            more.append(self._info_download.next_deadline())
        if peers:
            more += [self._choker.next_deadline(), self._exchange.next_deadline()]
        if self._uploads is not None:
            more.append(self._uploads.next_deadline())
        if self._download is not None:
            more += [
                self._haves_due_at,
                self._forgive_at,
                self._download.picker.suspects.next_deadline(),
            ]
            if self._buffers.waits_for_others:
                more.append(self._now + BUFFERS_RETRY_S)
        return [deadline for deadline in more if deadline is not None]
