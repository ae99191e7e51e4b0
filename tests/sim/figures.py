"""How well a real node searches the simulated mainline network, in figures.

    python -m tests.sim.figures [--living 20000] [--searches 400] [--seed 1]      (make sim)

The gate runs the same scenes small (test_mainline.py, test_sybil.py). Everything is virtual time
and one seed: the same arguments print the same figures on every machine.
"""

import argparse
import statistics
from dataclasses import dataclass, field

from tests.sim.conspiracy import Conspiracy, Plan, around, everywhere
from tests.sim.dht_world import SimulatedNode
from tests.sim.mainline import WEATHER, Crowd, Mainline
from tests.sim.network import Conditions
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash

STORM = Conditions(loss=0.2, delay_s=0.058, spread=0.8, jitter_s=0.004, tail=0.02, tail_s=1.5)
PEERS = 3  # that the crowd announces of an infohash
ROW = "{:34} {:>7} {:>7} {:>7} {:>7} {:>8} {:>7} {:>7}"


@dataclass(slots=True)
class Figures:
    """Of many searches: those that found whom they should, the seconds to the first such peer and
    to the end, and the queries each took."""

    searches: int = 0
    waits_s: list[float] = field(default_factory=list)
    ends_s: list[float] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)

    def add(
        self, by: SimulatedNode, infohash: InfoHash, wanted: list[Address], began: float
    ) -> None:
        self.searches += 1
        times = [at for at, peer in by.found.get(infohash, []) if peer in wanted]
        self.waits_s += [times[0] - began] if times else []
        ended = by.ended.get(infohash)
        if ended is not None:
            self.queries.append(ended.queries)

    @property
    def found(self) -> float:
        return len(self.waits_s) / self.searches

    @property
    def median_s(self) -> float:
        return statistics.median(self.waits_s)

    def row(self, name: str) -> str:
        waits_s = sorted(self.waits_s) or [float("inf")]
        return ROW.format(
            name,
            self.searches,
            f"{100 * self.found:.1f}%",
            f"{statistics.median(waits_s):.2f}",
            f"{waits_s[len(waits_s) * 9 // 10]:.2f}",
            f"{waits_s[-1]:.2f}",
            f"{statistics.mean(self.queries):.1f}",
            max(self.queries),
        )


def settled(world: Mainline, count: int, for_s: float = 60.0) -> list[SimulatedNode]:
    """Real nodes that had time to make themselves at home."""
    nodes = [world.settle() for _ in range(count)]
    world.simulation.run_for(for_s)
    return nodes


def of_the_crowd(world: Mainline, nodes: list[SimulatedNode], count: int) -> Figures:
    """Peers that nodes of the crowd know are searched for."""
    figures = Figures()
    for _ in range(count):
        infohash, peers = world.infohash(), [world.new_address() for _ in range(PEERS)]
        world.publish(infohash, peers)
        by = world.rng.choice(nodes)
        figures.add(by, infohash, peers, world.search(by, infohash))
    return figures


def of_ours(world: Mainline, nodes: list[SimulatedNode], count: int) -> Figures:
    """One real node announces itself, another one searches."""
    figures = Figures()
    for _ in range(count):
        _announce_and_search(world, nodes, world.infohash(), figures)
    return figures


def amid_a_conspiracy(
    world: Mainline, nodes: list[SimulatedNode], count: int, share: float, plan: Plan
) -> Figures:
    """The same, and around each infohash that share of the nodes lies."""
    figures = Figures()
    for _ in range(count):
        infohash = world.infohash()
        liars = around(world, infohash, share, plan)
        _announce_and_search(world, nodes, infohash, figures)
        liars.disband()
    return figures


def _announce_and_search(
    world: Mainline, nodes: list[SimulatedNode], infohash: InfoHash, figures: Figures
) -> None:
    announcer, seeker = world.rng.sample(nodes, 2)
    world.search(announcer, infohash, announcer.address.port)
    world.simulation.run_for(1)  # the announces arrive
    figures.add(seeker, infohash, [announcer.address], world.search(seeker, infohash))
    figures.queries.append(announcer.ended[infohash].queries)


def infiltrated(
    seed: int, crowd: Crowd, share: float, plan: Plan
) -> tuple[Mainline, list[SimulatedNode], Conspiracy]:
    """That share of the whole network lies, and knocks at real nodes that were there before."""
    world = Mainline(seed, crowd)
    nodes = settled(world, 12)
    liars = everywhere(world, share, plan)
    world.forget_tables()
    liars.knock(20)
    world.simulation.run_for(60)
    return world, nodes, liars


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--living", type=int, default=20_000)
    parser.add_argument("--searches", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    crowd = Crowd(living=options.living, chatter_per_s=0.2)
    print(f"{options.living} living nodes, seed {options.seed}; seconds are virtual")
    print(ROW.format("", "searches", "found", "median", "p90", "longest", "queries", "most"))

    for name, weather, strays in (("mainline", WEATHER, 0.4), ("a storm: 20 % lost", STORM, 0.3)):
        world = Mainline(options.seed, Crowd(options.living, strays, chatter_per_s=0.2), weather)
        nodes = settled(world, 12)
        known = [node.node.stats(world.simulation.now).nodes_good for node in nodes]
        print(of_the_crowd(world, nodes, options.searches).row(f"{name}, crowd's peers"))
        print(of_ours(world, nodes, options.searches).row(f"{name}, ours"), flush=True)
        print(f"{'':34} good nodes after 60 s: {min(known)} to {max(known)}")
    for share in (0.2, 0.5):
        for plan in Plan:
            world = Mainline(options.seed, crowd)
            figures = amid_a_conspiracy(
                world, settled(world, 12), options.searches // 4, share, plan
            )
            print(figures.row(f"{share:.0%} around lie, {plan.name}"), flush=True)
    for share in (0.05, 0.1, 0.2):
        world, nodes, _ = infiltrated(options.seed, crowd, share, Plan.OWN_IDS)
        figures = of_ours(world, nodes, options.searches // 4)
        print(figures.row(f"{share:.0%} of everybody lie"), flush=True)


if __name__ == "__main__":
    main()
