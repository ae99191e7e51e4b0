"""One timer for one core."""

import asyncio
import time

import pytest

from tests.daemon.session_room import run, turn, until
from torrentd.daemon.driver import DELAY_MIN_S, Driver


class Core:
    """Due at `deadline` until told otherwise."""

    def __init__(self) -> None:
        self.deadline: float | None = None
        self.ticks: list[float] = []
        self.keeps = False

    def tick(self, now: float) -> None:
        self.ticks.append(now)
        if not self.keeps:
            self.deadline = None


class TestDriver:
    def test_a_core_without_a_deadline_has_no_timer(self) -> None:
        async def scenario() -> None:
            core = Core()
            driver = Driver(lambda: core.deadline, core.tick)
            driver.rearm(time.monotonic())
            assert driver._timer is None

        run(scenario())

    def test_the_core_is_called_when_it_is_due_and_not_again(self) -> None:
        async def scenario() -> None:
            core = Core()
            driver = Driver(lambda: core.deadline, core.tick)
            core.deadline = time.monotonic() + 0.03
            driver.rearm(time.monotonic())
            due = core.deadline
            await until(lambda: bool(core.ticks))
            assert core.ticks[0] >= due - 0.002
            assert driver._timer is None

        run(scenario())

    def test_an_earlier_deadline_moves_the_timer(self) -> None:
        async def scenario() -> None:
            core = Core()
            driver = Driver(lambda: core.deadline, core.tick)
            core.deadline = time.monotonic() + 60
            driver.rearm(time.monotonic())
            core.deadline = time.monotonic()
            driver.rearm(time.monotonic())
            await until(lambda: bool(core.ticks))

        run(scenario())

    def test_a_later_deadline_costs_one_call_too_early_that_does_not_tick(self) -> None:
        async def scenario() -> None:
            core = Core()
            driver = Driver(lambda: core.deadline, core.tick)
            core.deadline = time.monotonic() + 0.03
            driver.rearm(time.monotonic())
            core.deadline += 60
            first = driver._timer
            await until(lambda: driver._timer is not first)
            driver.stop()

        run(scenario())

    def test_a_core_that_stays_due_does_not_spin_the_loop(self) -> None:
        async def scenario() -> None:
            core = Core()
            core.keeps = True
            core.deadline = 0.0
            driver = Driver(lambda: core.deadline, core.tick)
            started = time.monotonic()
            driver.rearm(started)
            await until(lambda: len(core.ticks) == 5)
            assert time.monotonic() - started >= 4 * DELAY_MIN_S * 0.8
            driver.stop()
            count = len(core.ticks)
            await turn()
            await asyncio.sleep(0)
            assert len(core.ticks) == count

        run(scenario())

    def test_a_core_that_nobody_calls_is_overdue(self) -> None:
        async def scenario() -> None:
            core = Core()
            driver = Driver(lambda: core.deadline, core.tick)
            now = time.monotonic()
            assert driver.overdue_s(now) == 0.0  # it wants nothing
            core.deadline = now + 60
            driver.rearm(now)
            assert driver.overdue_s(now) == 0.0
            assert driver.overdue_s(now + 100) == pytest.approx(40, abs=1)
            driver.stop()
            assert driver.overdue_s(now + 100) == pytest.approx(
                40, abs=1
            )  # no timer, and it is due

        run(scenario())
