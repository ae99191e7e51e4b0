"""A download keeps to its limit: peers that send as fast as they are read, in virtual time."""

import pytest

from tests.daemon.link_room import make_connection
from torrentd.daemon.intake import READ_BYTES_MIN, Intake
from torrentd.daemon.tcp import RECEIVE_BUFFER_BYTES, Hold
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.swarm.throttle import Throttle

STEP_S = 0.001


class Peer:
    """Has always more to send, at its line's speed; counts each byte as it comes."""

    def __init__(self, port: int, line_bytes_per_s: float) -> None:
        self.connection = make_connection(port=port)
        self.held = Hold(0)
        self.read_bytes_max = RECEIVE_BUFFER_BYTES
        self.read_bytes = 0
        self.sent_bytes = 0.0
        self._line_bytes_per_s = line_bytes_per_s

    def hold_reading(self, why: Hold, held: bool) -> None:
        self.held = self.held | why if held else self.held & ~why

    def limit_read(self, size_bytes: int | None) -> None:
        self.read_bytes_max = RECEIVE_BUFFER_BYTES if size_bytes is None else size_bytes

    def read(self, seconds: float) -> int:
        """One read of what waits; returns what the swarm counts for it."""
        waiting_bytes_max = self.read_bytes + 4.0 * RECEIVE_BUFFER_BYTES  # the kernel's buffer
        sent = self.sent_bytes + seconds * self._line_bytes_per_s
        self.sent_bytes = min(sent, waiting_bytes_max)
        if self.held:
            return 0
        before = self.read_bytes
        self.read_bytes += min(int(self.sent_bytes) - before, self.read_bytes_max)
        return self.read_bytes - before


class Scene:
    def __init__(self, throttle: Throttle, lines: list[float], *, is_local: bool = False) -> None:
        self.peers = [Peer(port, line) for port, line in enumerate(lines, start=1)]
        self.links: dict[PeerConnection, Peer] = {peer.connection: peer for peer in self.peers}
        self.intake = Intake(throttle.meter(0.0), self.links, lambda host: is_local)
        for peer in self.peers:
            self.intake.meet(peer)

    def flow(self, since: float, until: float) -> None:
        """As Traffic and its driver would."""
        for step in range(round((until - since) / STEP_S)):
            now = since + step * STEP_S
            for peer in self.links.values():
                came = peer.read(STEP_S)
                if self.intake.meter.is_limited:
                    self.intake.received(peer, came, now)
            self.intake.tick(now)

    @property
    def read_bytes(self) -> int:
        return sum(peer.read_bytes for peer in self.peers)


@pytest.mark.parametrize("rate", [20_000, 50_000, 2_000_000, 100_000_000])
@pytest.mark.parametrize("peer_count", [1, 2, 20])
def test_a_download_is_as_fast_as_its_limit_to_five_per_cent(rate: int, peer_count: int) -> None:
    throttle = Throttle(rate, 0.0)
    scene = Scene(throttle, [10.0 * rate] * peer_count)
    scene.flow(0.0, 10.0)
    slack = peer_count * READ_BYTES_MIN
    assert scene.read_bytes == pytest.approx(10 * rate, rel=0.05, abs=slack)


def test_torrents_share_the_limit_alike_and_none_of_their_peers_starves() -> None:
    throttle = Throttle(2_000_000, 0.0)
    one, other = Scene(throttle, [1e7] * 4), Scene(throttle, [1e7])
    for step in range(5_000):
        for scene in (one, other):
            scene.flow(step * STEP_S, (step + 1) * STEP_S)
    assert one.read_bytes == pytest.approx(5_000_000, rel=0.05)
    assert other.read_bytes == pytest.approx(5_000_000, rel=0.05)
    for peer in one.peers:
        assert peer.read_bytes == pytest.approx(1_250_000, rel=0.35)


def test_a_slow_limit_that_is_halved_is_exact_from_then_on() -> None:
    throttle = Throttle(20_000, 0.0)
    scene = Scene(throttle, [1e7])
    scene.flow(0.0, 5.0)
    before = scene.read_bytes
    throttle.set_rate(10_000, 5.0)
    scene.intake.limits_changed(5.0)
    scene.flow(5.0, 10.0)
    assert scene.read_bytes - before == pytest.approx(50_000, rel=0.05, abs=READ_BYTES_MIN)


def test_a_limit_that_is_not_reached_costs_no_small_reads() -> None:
    scene = Scene(Throttle(50_000_000, 0.0), [10e6] * 2)
    scene.flow(0.0, 3.0)
    assert scene.read_bytes == pytest.approx(60_000_000, rel=0.01)
    assert all(peer.read_bytes_max > RECEIVE_BUFFER_BYTES for peer in scene.peers)


def test_what_slow_peers_do_not_use_goes_to_the_fast_one() -> None:
    scene = Scene(Throttle(1_000_000, 0.0), [10_000.0] * 5 + [1e7])
    scene.flow(0.0, 5.0)
    assert scene.read_bytes == pytest.approx(5_000_000, rel=0.05)
    for slow in scene.peers[:-1]:
        assert slow.read_bytes == pytest.approx(50_000, rel=0.1)


def test_the_local_network_is_spared_unless_it_is_not() -> None:
    throttle = Throttle(100_000, 0.0)
    scene = Scene(throttle, [1_000_000.0], is_local=True)
    scene.flow(0.0, 1.0)
    assert scene.read_bytes == pytest.approx(1_000_000, rel=0.01)
    throttle.spares_local = False
    scene.intake.limits_changed(1.0)
    scene.flow(1.0, 6.0)
    assert scene.read_bytes - 1_000_000 == pytest.approx(500_000, rel=0.1)


def test_a_limit_that_ends_holds_nobody_and_the_whole_buffer_is_used_again() -> None:
    throttle = Throttle(10_000, 0.0)
    scene = Scene(throttle, [1e7] * 3)
    scene.flow(0.0, 1.0)
    assert all(peer.held == Hold.RATE for peer in scene.peers)
    assert scene.intake.next_deadline() is not None
    throttle.set_rate(0, 1.0)
    scene.intake.limits_changed(1.0)
    assert not any(peer.held for peer in scene.peers)
    assert {peer.read_bytes_max for peer in scene.peers} == {RECEIVE_BUFFER_BYTES}
    assert scene.intake.next_deadline() is None


def test_who_only_talks_is_not_held() -> None:
    scene = Scene(Throttle(1, 0.0), [0.0])
    for second in range(10):
        scene.intake.received(scene.peers[0], 0, float(second))
    assert not scene.peers[0].held


def test_a_peer_that_is_lost_is_not_waited_for() -> None:
    scene = Scene(Throttle(1_000, 0.0), [1e7])
    scene.flow(0.0, 0.1)
    (peer,) = scene.peers
    assert peer.held
    scene.intake.lost(peer)
    assert scene.intake.next_deadline() is None


def test_a_torrent_that_is_gone_leaves_its_part_to_the_others() -> None:
    throttle = Throttle(1_000_000, 0.0)
    gone, stays = Scene(throttle, [1e7]), Scene(throttle, [1e7])
    gone.flow(0.0, 0.01)
    gone.intake.close()
    stays.flow(0.01, 5.01)
    assert stays.read_bytes == pytest.approx(5_000_000, rel=0.05)
