"""Two hundred control messages a second, and what happens beyond (security W9)."""

import pytest

from torrentd.wire.formats.errors import MessageError
from torrentd.wire.peer.control_budget import BURST, DEBT_MAX, MESSAGES_PER_S, ControlBudget


def test_two_hundred_a_second_go_on_for_ever_without_a_pause() -> None:
    budget = ControlBudget(0.0)
    for second in range(1, 301):
        for _ in range(MESSAGES_PER_S):
            budget.spend()
        budget.refill(float(second))
        assert budget.paused_until() <= second


def test_beyond_the_burst_reading_pauses_until_the_debt_is_paid() -> None:
    budget = ControlBudget(50.0)
    for _ in range(BURST + 3 * MESSAGES_PER_S):
        budget.spend()
    assert budget.paused_until() == 53.0
    budget.refill(53.0)
    assert budget.paused_until() == 0.0


def test_a_flood_ends_the_connection() -> None:
    budget = ControlBudget(0.0)
    for _ in range(BURST + DEBT_MAX):
        budget.spend()
    with pytest.raises(MessageError):
        budget.spend()


def test_idle_hours_save_up_no_more_than_one_burst() -> None:
    budget = ControlBudget(0.0)
    budget.refill(36_000.0)
    for _ in range(BURST + 1):
        budget.spend()
    assert budget.paused_until() > 36_000.0
