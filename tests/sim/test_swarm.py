"""Whole swarms in virtual time (BEP 3, 9, 11): they complete, whatever their peers do."""

import os
import random
import subprocess
import sys

import pytest

from tests.sim.swarm import SimulatedPeer, World
from tests.wire.torrents import Torrent, single_file
from torrentd.config.schema import Limits

# 41 pieces of three blocks and a bit; the last piece is short, and its last block odd
ODD = single_file(random.Random(3).randbytes(2_003_001), 50_000)
TINY = single_file(b"x", 32)


def world_of(
    torrent: Torrent, seed: int, leechers: int, *, magnet: bool = False
) -> tuple[World, SimulatedPeer, list[SimulatedPeer]]:
    world = World(torrent, seed)
    seeder = SimulatedPeer(world, seed=True)
    peers = [SimulatedPeer(world, magnet=magnet) for _ in range(leechers)]
    for peer in [seeder, *peers]:
        peer.start()
    return world, seeder, peers


def check_complete(world: World, peers: list[SimulatedPeer], duration_s: float) -> None:
    assert world.run_until_complete(peers, duration_s), [
        (peer.swarm.done_bytes, peer.swarm.info_progress) for peer in peers
    ]
    for peer in peers:
        assert peer.content() == world.torrent.content
        assert peer.completed == 1
        assert peer.refused == []
        assert peer.swarm.peers_banned == 0


@pytest.mark.parametrize("torrent", [ODD, TINY], ids=["odd pieces", "one byte"])
@pytest.mark.parametrize("magnet", [False, True])
def test_one_leecher_completes_from_one_seed(torrent: Torrent, magnet: bool) -> None:
    world, seeder, peers = world_of(torrent, 1, 1, magnet=magnet)
    check_complete(world, peers, 30)
    world.run(5)
    assert not seeder.swarm.connections, "two seeds need no connection"


def test_twenty_peers_complete_and_share_the_work() -> None:
    world, seeder, peers = world_of(ODD, 2, 20, magnet=True)
    check_complete(world, peers, 120)
    assert seeder.swarm.uploaded_bytes < 8 * len(ODD.content), "leechers did not serve each other"
    wasted = sum(peer.swarm.wasted_bytes for peer in peers)
    assert wasted < 0.1 * 20 * len(ODD.content)


def test_a_search_that_stays_empty_is_repeated_until_somebody_is_there() -> None:
    world = World(ODD, 4)
    leecher = SimulatedPeer(world, magnet=True)
    leecher.start()
    world.run(60)
    seeder = SimulatedPeer(world, seed=True)
    seeder.start()
    world.announced.pop(leecher.address)  # the seeder finds nobody by itself
    check_complete(world, [leecher], 120)


def test_peer_exchange_finds_the_seed_that_only_another_knows() -> None:
    world = World(ODD, 5)
    seeder = SimulatedPeer(world, seed=True, upload_bytes_per_s=60_000)
    middle, far = SimulatedPeer(world), SimulatedPeer(world)
    for peer in (seeder, middle, far):
        peer.start()
    world.announced.clear()
    middle.meet(seeder)
    far.meet(middle)
    check_complete(world, [middle, far], 300)
    assert seeder.address in far.dialed


@pytest.mark.parametrize("seed", [10, 11, 12])
def test_the_seed_leaves_after_little_more_than_one_copy_is_out(seed: int) -> None:
    """Rarest first: what one has, all together have soon."""
    world, seeder, peers = world_of(ODD, seed, 8)
    copies_bytes = 1.1 * len(ODD.content)
    assert world.run(120, lambda: seeder.swarm.uploaded_bytes >= copies_bytes)
    world.run(3)
    seeder.vanish()
    check_complete(world, peers, 300)


def test_a_peer_that_takes_requests_and_never_answers_costs_little() -> None:
    world = World(ODD, 7)
    mutes = [SimulatedPeer(world, seed=True, mute=True) for _ in range(5)]
    honest = SimulatedPeer(world, seed=True, upload_bytes_per_s=200_000)
    leecher = SimulatedPeer(world)
    for peer in [*mutes, honest, leecher]:
        peer.start()
    check_complete(world, [leecher], 120)


def test_peers_that_vanish_in_the_middle_of_a_piece_are_replaced() -> None:
    world, _, peers = world_of(ODD, 8, 4)
    quitters = [SimulatedPeer(world, seed=True, upload_bytes_per_s=30_000) for _ in range(4)]
    for quitter in quitters:
        quitter.start()
    world.run(6)
    for quitter in quitters:
        quitter.vanish()
    check_complete(world, peers, 120)


def test_a_slow_seed_does_not_hold_up_the_end() -> None:
    """The endgame: what the slow one owes is asked of the fast one too."""
    world = World(ODD, 9)
    slow = SimulatedPeer(world, seed=True, upload_bytes_per_s=4_000)
    fast = SimulatedPeer(world, seed=True, upload_bytes_per_s=1e6)
    leecher = SimulatedPeer(world)
    for peer in (slow, fast, leecher):
        peer.start()
    check_complete(world, [leecher], 12)


def test_a_disk_that_fails_blames_nobody() -> None:
    world, _, peers = world_of(ODD, 11, 1)
    peers[0].disk_fails = True
    world.run(3)
    assert not peers[0].swarm.is_complete
    peers[0].disk_fails = False
    check_complete(world, peers, 60)


def test_memory_for_four_pieces_is_enough() -> None:
    big = single_file(random.Random(5).randbytes(3_000_000), 262_144)
    world = World(big, 12)
    limits = Limits(piece_buffers_bytes_max=1024 * 1024)
    seeds = [SimulatedPeer(world, seed=True) for _ in range(6)]
    leecher = SimulatedPeer(world, limits=limits)
    for peer in [*seeds, leecher]:
        peer.start()
    check_complete(world, [leecher], 60)


def test_a_stopped_torrent_is_silent_and_goes_on_where_it_was() -> None:
    world, seeder, peers = world_of(ODD, 13, 1)
    leecher = peers[0]
    assert world.run(60, lambda: leecher.swarm.done_bytes > 1_000_000)
    leecher.stop()
    assert leecher.swarm.next_deadline() is None
    assert not leecher.swarm.connections
    world.run(30)
    assert leecher.swarm.next_deadline() is None
    before = seeder.swarm.uploaded_bytes
    leecher.perform(leecher.swarm.start(world.simulation.now))
    check_complete(world, [leecher], 60)
    assert seeder.swarm.uploaded_bytes - before < 1_200_000


def trace(seed: int) -> str:
    world, _, peers = world_of(single_file(random.Random(1).randbytes(400_000), 40_000), seed, 6)
    world.run_until_complete(peers, 60)
    return world.simulation.trace


def test_one_seed_gives_one_run_whatever_the_hash_seed() -> None:
    traces = set()
    for hash_seed in ("1", "2"):
        found = subprocess.run(
            [sys.executable, "-c", "from tests.sim.test_swarm import trace; print(trace(21))"],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        traces.add(found.stdout)
    assert len(traces) == 1
    assert trace(21) + "\n" in traces
    assert trace(22) + "\n" not in traces


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_metadata_arrives_though_nine_of_ten_have_another_one(seed: int) -> None:
    """T18: each liar answers whole and in order, with the metadata of another torrent."""
    many = single_file(random.Random(6).randbytes(80_000), 20)  # 80 KB of hashes
    world = World(many, seed)
    liars = []
    for number in range(9):
        other = single_file(random.Random(number + 10).randbytes(80_000), 20)
        liars.append(SimulatedPeer(world, seed=True, torrent=other))
    honest = SimulatedPeer(world, seed=True, upload_bytes_per_s=100_000)
    leecher = SimulatedPeer(world, magnet=True)
    for peer in [*liars, honest]:
        peer.start()
    world.announced.clear()
    leecher.start()
    leecher.meet(*liars, honest)
    assert world.run(30, lambda: leecher.swarm.metadata is not None)
    assert leecher.swarm.metadata == many.metadata
    assert leecher.closed.count("metadata that does not match the infohash") >= 1
    assert honest.address.host in [c.address.host for c in leecher.swarm.connections]
