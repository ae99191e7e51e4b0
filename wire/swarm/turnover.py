"""Which peers make room in a full swarm for addresses that nobody has tried (C3). No BEP applies.

Once an interval those that gave least since the last one go, a few at a time (libtorrent's
`peer_turnover` is the same four per cent). Their places are for trial: while so many are dialed, or
have newcomers that gave no whole piece yet, nobody goes. So whoever has addresses without end, and
nothing to give, gets these few places and no more. Who alone has a piece that we lack stays.
"""

from collections.abc import Collection

from torrentd.wire.swarm.peer import Peer

INTERVAL_S = 120.0
SHARE = 25  # one place in so many is for trial, and at least one


class Turnover:
    """Looks at the peers once an interval; `least` is called when `is_due` and somebody waits."""

    __slots__ = ("_given_bytes", "_looked_at", "_trials_max")

    def __init__(self, places: int, now: float) -> None:
        """For a swarm of so many places."""
        self._trials_max = max(places // SHARE, 1)
        self._looked_at = now
        self._given_bytes: dict[Peer, int] = {}  # at the last look

    def is_due(self, now: float) -> bool:
        return now >= self._looked_at + INTERVAL_S

    def least(self, peers: Collection[Peer], lacking: int, dialing: int, now: float) -> list[Peer]:
        """Who may go, the one that gave least first. `lacking`: the pieces we want, as a mask;
        `dialing`: how many newcomers are on their way."""
        rates: dict[Peer, float] = {}
        trials = dialing
        for peer in peers:
            if peer.since + INTERVAL_S <= now:
                rates[peer] = self._bytes_per_s(peer, now)
            elif not peer.verified:
                trials += 1
        self._looked_at = now
        self._given_bytes = {peer: peer.connection.downloaded_bytes for peer in peers}
        sole = _held_once(peers) & lacking
        leaving = [peer for peer in rates if not peer.mask & sole]
        leaving.sort(key=lambda peer: (rates[peer], peer.connection.is_seed, peer.since))
        return leaving[: max(self._trials_max - trials, 0)]

    def _bytes_per_s(self, peer: Peer, now: float) -> float:
        """Since the last look."""
        given_bytes = peer.connection.downloaded_bytes - self._given_bytes.get(peer, 0)
        return given_bytes / (now - max(peer.since, self._looked_at))


def _held_once(peers: Collection[Peer]) -> int:
    """Pieces that only one of them has."""
    once = twice = 0
    for peer in peers:
        twice |= once & peer.mask
        once |= peer.mask
    return once & ~twice
