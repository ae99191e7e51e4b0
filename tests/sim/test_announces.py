"""A seed that is announced again asks fewer nodes than the first time, and finds the same ones."""

import statistics

from tests.sim.dht_world import SimulatedNode
from tests.sim.figures import settled
from tests.sim.mainline import Crowd, Mainline
from torrentd.dht.outputs import SearchEnded
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.swarm.schedule import ANNOUNCE_S


def announced(world: Mainline, node: SimulatedNode, infohash: InfoHash) -> SearchEnded:
    node.ended.pop(infohash, None)
    now = world.simulation.now
    node._handle(node.node.get_peers(infohash, now, 6881, is_seed=True))
    assert world.simulation.run_for(90, lambda: infohash in node.ended)
    return node.ended[infohash]


def test_the_second_announce_asks_a_fifth_fewer_and_is_no_worse() -> None:
    """Two of five addresses dead, churn, a quarter of an hour between: 48 queries, then 33."""
    world = Mainline(1, Crowd(3000, chatter_per_s=0.2))
    (node,) = settled(world, 1)
    infohashes = [world.infohash() for _ in range(12)]
    rounds = []
    for _ in range(2):
        ended = [announced(world, node, infohash) for infohash in infohashes]
        queries = statistics.mean(each.queries for each in ended)
        right = statistics.mean(
            len({a for _, a in each.closest} & {n.address for n in world.closest(i, 8)})
            for i, each in zip(infohashes, ended, strict=True)
        )
        rounds.append((queries, right))
        world.simulation.run_for(ANNOUNCE_S)
    (first, right_first), (second, right_second) = rounds
    assert second <= 0.8 * first
    assert right_second >= right_first - 0.5
