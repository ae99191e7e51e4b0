"""A fifth of all nodes lie, and a new one comes (T25; D10, D11, D18): who is in its table then, and
where it believes to be. Each liar answers at once, and names liars alone.

A guard that is switched off must make a difference, else these tests measure something else.
"""

import pytest

from tests.sim.conspiracy import Plan, everywhere
from tests.sim.dht_world import SimulatedNode
from tests.sim.mainline import Crowd, Mainline
from torrentd.dht.lookup import Lookup
from torrentd.dht.network import Network
from torrentd.dht.vouching import Vouching
from torrentd.wire.formats.address import Address

CROWD = Crowd(living=1500)
SHARE = 0.2  # of the living; of those whose id follows BEP 42, a quarter
NEWCOMERS = 6
MINUTES = 5


def newcomers(plan: Plan, seed: int = 13) -> tuple[float, list[SimulatedNode]]:
    """The share of liars in their tables after some minutes, and they themselves."""
    world = Mainline(seed, CROWD)
    liars = everywhere(world, SHARE, plan)
    world.forget_tables()
    nodes = [world.settle() for _ in range(NEWCOMERS)]
    world.simulation.run_for(60.0 * MINUTES)
    hosts = {member.address.host for member in liars.members}
    known = [contact for node in nodes for contact in node.node._networks["ipv4"].table]
    assert len(known) >= 20 * NEWCOMERS
    return sum(contact.address.host in hosts for contact in known) / len(known), nodes


def misled(nodes: list[SimulatedNode]) -> int:
    """How many believe to be elsewhere."""
    return sum(node.external[-1:] not in ([], [node.address.host]) for node in nodes)


@pytest.mark.parametrize(
    ("plan", "share_max"), [(Plan.OWN_IDS, 0.35), (Plan.BEST_IDS, 0.35), (Plan.ANY_IDS, 0.35)]
)
def test_liars_do_not_take_the_table(plan: Plan, share_max: float) -> None:
    share, nodes = newcomers(plan)
    assert share <= share_max
    assert misled(nodes) == 0


def test_where_nobody_is_found_anew_those_who_came_first_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Vouching, "bucket_due", lambda self, buckets, now: None)
    assert newcomers(Plan.OWN_IDS)[0] > 0.5


def test_where_not_everybody_is_heard_liars_lead_to_liars(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Lookup, "_unheard", lambda self: [])
    monkeypatch.setattr(Lookup, "_unasked_starts", lambda self: [])
    assert newcomers(Plan.OWN_IDS)[0] > 0.4


def test_where_whom_we_merely_met_may_vote_we_are_where_the_liars_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def believe(self: Network, voter: Address, host: str, now: float) -> str | None:
        self.vote.add(voter.host, host, now)
        return self.elect(now)

    monkeypatch.setattr(Network, "heard_external", believe)
    assert misled(newcomers(Plan.OWN_IDS)[1]) >= 3
