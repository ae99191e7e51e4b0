"""Who may join a swarm, and who must leave for somebody better (C2, C3). No BEP applies."""

import pytest

from tests.wire.swarm.scene import HIGHER, LOWER, OURS, Guest, Scene
from tests.wire.swarm.stand_ins import connection_to
from torrentd.config.schema import Limits
from torrentd.wire.formats.address import AddressPolicy, host_key
from torrentd.wire.formats.ids import PeerId
from torrentd.wire.swarm.admission import BARREN_S, IDLE_S, Admission
from torrentd.wire.swarm.peer import Peer

LOCAL = AddressPolicy(allow_local=True)


def peer(host: str, *, outgoing: bool = False, since: float = 0.0) -> Peer:
    return Peer(connection_to(host, outgoing=outgoing), host_key(host), since, False)


def admission(policy: AddressPolicy | None = None, per_host: int = 1) -> Admission:
    limits = Limits(connections_per_address_max=per_host, peers_per_torrent_max=5)
    return Admission(OURS, limits, policy or AddressPolicy(allow_local=False))


def test_one_connection_a_host() -> None:
    first, second = peer("20.0.0.1"), peer("20.0.0.1")
    assert admission().loser(first, []) is None
    assert admission().loser(second, [first]) is second
    assert admission(per_host=2).loser(second, [first]) is None


def test_a_local_network_may_have_many_peers_behind_one_address() -> None:
    first, second = peer("127.0.0.1"), peer("127.0.0.1")
    assert admission(LOCAL).loser(second, [first]) is None
    assert admission().loser(second, [first]) is second


def test_full_is_full() -> None:
    assert not admission().is_full(4)
    assert admission().is_full(5)


def test_useless_is_who_moved_no_byte_for_two_minutes() -> None:
    old, older, young = (peer(f"20.0.{n}.1", since=at) for n, at in enumerate((50.0, 0.0, 150.0)))
    assert admission().useless([old, older, young], IDLE_S + 60.0) is older
    older.connection.download_rate.add(100_000, IDLE_S + 50.0)
    assert admission().useless([old, older, young], IDLE_S + 60.0) is old
    old.reading[0, 0] = 16384
    assert admission().useless([old, older, young], IDLE_S + 60.0) is None


class TestTwoThatDialEachOther:
    """Both sides must keep the same one of the two connections, whatever comes first."""

    @pytest.mark.parametrize(
        ("theirs", "kept"), [(HIGHER, "incoming"), (LOWER, "outgoing")], ids=["higher", "lower"]
    )
    @pytest.mark.parametrize("first", ["incoming", "outgoing"])
    @pytest.mark.parametrize("host", ["20.0.0.1", "127.0.0.1"])
    def test_the_connection_of_the_greater_id_is_kept(
        self, theirs: PeerId, kept: str, first: str, host: str
    ) -> None:
        scene = Scene(policy=LOCAL)
        scene.find(host)
        if first == "incoming":
            incoming = Guest(scene, host, peer_id=theirs)
            outgoing = Guest(scene, host, peer_id=theirs, dialed=True, greet=False)
        else:
            outgoing = Guest(scene, host, peer_id=theirs, dialed=True, greet=False)
            incoming = Guest(scene, host, peer_id=theirs)
        if outgoing.near in scene.swarm.connections:
            outgoing.greet()
        ends = {"incoming": incoming.near, "outgoing": outgoing.near}
        assert scene.swarm.connections == [ends[kept]]
        assert len(scene.closed()) == 1

    def test_a_dead_outgoing_one_gives_way_to_its_peer(self) -> None:
        scene = Scene()
        scene.find("20.0.0.1")
        Guest(scene, "20.0.0.1", dialed=True, peer_id=HIGHER)
        again = Guest(scene, "20.0.0.1", peer_id=HIGHER)
        assert scene.swarm.connections == [again.near]


def test_two_connections_of_one_peer_the_same_way_keep_the_first() -> None:
    scene = Scene(policy=LOCAL)
    first = Guest(scene, "127.0.0.1", peer_id=HIGHER)
    Guest(scene, "127.0.0.1", peer_id=HIGHER)
    assert scene.swarm.connections == [first.near]


def test_barren_is_who_had_its_time_and_neither_gives_nor_takes() -> None:
    peers = [peer(f"20.{n}.0.1") for n in range(5)]
    peers[1].verified = 1
    peers[2].reading[0, 0] = 16384
    peers[3].connection.download_rate.add(1_000_000, BARREN_S)
    peers[4].since = 1.0
    assert admission().barren(peers, BARREN_S) == [peers[0]]
    peers[0].connection.upload_rate.add(100_000, BARREN_S)
    assert admission().barren(peers, BARREN_S) == []


def test_a_fifth_of_the_places_is_for_those_whom_we_dial() -> None:
    assert admission().takes_incoming(3)
    assert not admission().takes_incoming(4)
