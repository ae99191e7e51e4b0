"""Which limits hold: by the clock on the wall, and after a reload."""

import time
from pathlib import Path

import pytest

from tests.daemon.session_room import make_config, new_host, run, running
from torrentd.config.schema import Rates as Settings
from torrentd.daemon.rates import Rates

USUAL = Settings(download_bytes_per_s_max=2000, upload_bytes_per_s_max=1000)
NIGHTLY = USUAL.model_copy(
    update={"alternative_upload_bytes_per_s_max": 50, "alternative_times": ("fri 22:00-06:00",)}
)
FRIDAY, SATURDAY = 4, 5


def at(day: int, hour: int, minute: int = 0) -> time.struct_time:
    return time.struct_time((2026, 11, 24, hour, minute, 0, day, 328, 0))


def in_force(rates: Rates) -> tuple[int, int]:
    return rates.download.rate_bytes_per_s, rates.upload.rate_bytes_per_s


def spares_local(rates: Rates) -> tuple[bool, bool]:
    return rates.download.spares_local, rates.upload.spares_local


class Ear:
    def __init__(self) -> None:
        self.heard: list[float] = []

    def limits_changed(self, now: float) -> None:
        self.heard.append(now)


@pytest.mark.parametrize(
    "wall, expected",
    [
        (at(FRIDAY, 21, 59), (2000, 1000)),
        (at(FRIDAY, 22), (0, 50)),
        (at(SATURDAY, 5, 59), (0, 50)),
        (at(SATURDAY, 6), (2000, 1000)),
        (at(SATURDAY, 22), (2000, 1000)),
    ],
)
def test_the_alternative_limits_hold_at_their_times(
    wall: time.struct_time, expected: tuple[int, int]
) -> None:
    rates = Rates(NIGHTLY)
    rates.apply(wall, 1.0)
    assert in_force(rates) == expected
    assert rates.alternative is (expected == (0, 50))


@pytest.mark.parametrize("mode, expected", [("always", (0, 50)), ("never", (2000, 1000))])
@pytest.mark.parametrize("hour", [12, 23])
def test_whoever_decides_by_hand_does_not_ask_the_clock(
    mode: str, expected: tuple[int, int], hour: int
) -> None:
    rates = Rates(NIGHTLY.model_copy(update={"alternative": mode}))
    rates.apply(at(FRIDAY, hour), 1.0)
    assert in_force(rates) == expected


def test_a_reload_changes_what_holds_at_once() -> None:
    rates = Rates(USUAL)
    assert in_force(rates) == (2000, 1000)
    rates.reconfigure(Settings(upload_bytes_per_s_max=7))
    assert in_force(rates) == (0, 7)


def test_peers_of_the_local_network_are_spared_unless_told_otherwise() -> None:
    rates = Rates(USUAL)
    assert spares_local(rates) == (True, True)
    rates.reconfigure(USUAL.model_copy(update={"limit_local_network": True}))
    assert spares_local(rates) == (False, False)


def test_who_listens_hears_of_a_change_and_of_nothing_else() -> None:
    rates, ear = Rates(NIGHTLY), Ear()
    rates.apply(at(FRIDAY, 12), 1.0)
    rates.listeners[ear] = None
    for second, hour in enumerate((13, 22, 23), start=2):
        rates.apply(at(FRIDAY, hour), float(second))
    assert ear.heard == [3.0]


def test_a_session_lets_its_limits_hold_and_changes_them_at_a_reload(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path, new_host()).model_copy(update={"rates": USUAL})
        async with running(config) as session:
            rates = session._services.rates
            assert in_force(rates) == (2000, 1000)
            session.reconfigure(config.model_copy(update={"rates": Settings()}))
            assert in_force(rates) == (0, 0)

    run(scenario())
