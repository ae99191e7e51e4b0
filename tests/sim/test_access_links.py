"""The simulated links themselves: what TCP would make of them, roughly."""

import pytest

from tests.sim.access_links import Downlink, Flow, Uplink
from tests.sim.network import Simulation


class Pipe:
    """One flow, always full unless told otherwise; `came_bytes` have arrived."""

    def __init__(self, simulation: Simulation, uplink: Uplink, downlink: Downlink) -> None:
        self.came_bytes = 0
        self.came_at = 0.0
        self._simulation = simulation
        self.flow = Flow(simulation, uplink, downlink, 0.05, self._came, lambda: None)

    def fill(self, blocks: int) -> None:
        self.flow.send([bytes(16_384)] * blocks)

    def _came(self, segment: bytes) -> None:
        self.came_bytes += len(segment)
        self.came_at = self._simulation.now


def world(*rates: tuple[float, float]) -> tuple[Simulation, list[Pipe]]:
    """From one uplink of 1 MB/s to receivers, or to one from uplinks: (up, down) each."""
    simulation = Simulation(1)
    uplinks: dict[float, Uplink] = {}
    downlinks: dict[float, Downlink] = {}
    pipes = []
    for up, down in rates:
        uplink = uplinks.setdefault(up, Uplink(simulation, up))
        downlink = downlinks.setdefault(down, Downlink(simulation, down))
        pipes.append(Pipe(simulation, uplink, downlink))
    return simulation, pipes


def rates_of(pipes: list[Pipe], seconds: float) -> list[float]:
    return [pipe.came_bytes / seconds / 1000 for pipe in pipes]


def test_connections_share_an_uplink_equally() -> None:
    simulation, pipes = world((1e6, 8e6), (1e6, 9e6), (1e6, 7e6), (1e6, 6e6))
    for pipe in pipes:
        pipe.fill(1000)
    simulation.run_for(10)
    assert rates_of(pipes, 10) == [pytest.approx(250, rel=0.03)] * 4


def test_what_a_slow_receiver_cannot_take_is_left_to_the_others() -> None:
    simulation, pipes = world((1e6, 100e3), (1e6, 9e6), (1e6, 8e6))
    for pipe in pipes:
        pipe.fill(1000)
    simulation.run_for(10)
    slow, *fast = rates_of(pipes, 10)
    assert slow == pytest.approx(100, rel=0.05)
    assert fast == [pytest.approx(450, rel=0.05)] * 2


def test_connections_share_a_downlink_equally() -> None:
    simulation, pipes = world((1e6, 500e3), (2e6, 500e3))
    for pipe in pipes:
        pipe.fill(1000)
    simulation.run_for(10)
    assert rates_of(pipes, 10) == [pytest.approx(250, rel=0.05)] * 2


def test_one_alone_has_the_whole_link_after_the_delay() -> None:
    simulation, (pipe,) = world((1e6, 8e6))
    pipe.fill(61)
    simulation.run_for(10)
    assert pipe.came_bytes == 61 * 16_384
    assert pipe.came_at - 1000.0 == pytest.approx(1.05, abs=0.03)


def test_the_end_of_a_connection_is_known_behind_its_last_byte() -> None:
    simulation, (pipe,) = world((1e6, 8e6))
    ended_at = []
    pipe.fill(10)
    pipe.flow.end(lambda: ended_at.append((simulation.now, pipe.came_bytes)))
    simulation.run_for(10)
    ((at, came_bytes),) = ended_at
    assert came_bytes == 163_840 and at > pipe.came_at


def test_a_host_that_vanishes_sends_nothing_more() -> None:
    simulation, (pipe,) = world((1e6, 8e6))
    ended = []
    pipe.fill(100)
    simulation.run_for(0.5)
    pipe.flow.cut(lambda: ended.append(True))
    simulation.run_for(10)
    assert ended and pipe.came_bytes < 600_000
