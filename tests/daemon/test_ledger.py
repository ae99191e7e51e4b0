"""What was moved is counted once, by day, and over restarts."""

import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.session_room import (
    PORT,
    TIMEOUT_S,
    make_config,
    new_host,
    run,
    running,
    seed,
    supervised,
)
from tests.wire.torrents import single_file
from torrentd.daemon.ledger import (
    DAYS_MAX,
    Ledger,
    Totals,
    decode_totals,
    encode_totals,
)
from torrentd.daemon.status import AddRequest, Moved
from torrentd.daemon.workers import Workers

TORRENT = single_file(random.Random(3).randbytes(100_000), 16384, b"data.bin")
COUNTS = st.integers(0, 2**63 - 1)
MOVED = st.builds(Moved, *[COUNTS] * 6)
DAYS = st.dictionaries(st.dates().map(lambda day: f"{day:%Y-%m-%d}".zfill(10)), MOVED, max_size=9)


@given(st.builds(Totals, COUNTS, COUNTS, COUNTS, MOVED, DAYS))
def test_totals_survive(totals: Totals) -> None:
    assert decode_totals(encode_totals(totals)) == totals


NONSENSE = [b"", b"x", b"le", b"d4:daysi1ee", b"d5:movedli-1ei2eee", b"d4:daysd1:xli1ei2eeee"]


@pytest.mark.parametrize("data", [None, *NONSENSE])
def test_what_makes_no_sense_is_nothing(data: bytes | None) -> None:
    assert decode_totals(data) == Totals()


def test_an_entry_of_payload_alone_is_understood() -> None:
    assert decode_totals(b"d5:movedli5ei7eee").moved == Moved(5, 7)


def test_days_are_those_of_the_wall_and_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [time.mktime((2024, 1, 1, 12, 0, 0, 0, 0, -1))]
    strftime = time.strftime
    monkeypatch.setattr(time, "strftime", lambda form: strftime(form, time.localtime(at[0])))
    ledger = Ledger(lambda: None, lambda data: None)
    for _ in range(DAYS_MAX + 5):
        ledger.count(Moved(1, 2))
        ledger.count(Moved(1, 2))
        ledger.count(Moved())
        at[0] += 86400
    days = list(ledger.totals.days)
    assert (len(days), days[0], days[-1]) == (DAYS_MAX, "2024-01-06", "2025-02-08")
    assert set(ledger.totals.days.values()) == {Moved(2, 4)}
    assert ledger.run == ledger.totals.moved == Moved(2 * DAYS_MAX + 10, 4 * DAYS_MAX + 20)


def test_the_dht_tells_how_much_it_was_since_the_start() -> None:
    ledger = Ledger(lambda: None, lambda data: None)
    ledger.count_dht(100, 50)
    ledger.count_dht(130, 50)
    ledger.count_protocol((7, 8))
    assert ledger.run == ledger.totals.moved == Moved(0, 0, 7, 8, 130, 50)


def test_a_start_is_counted_and_what_cannot_be_saved_is_no_fault() -> None:
    kept: list[bytes] = []

    def write(data: bytes) -> str | None:
        kept.append(data)
        return "the disk is full"

    async def one_run(starts: int) -> Ledger:
        async with supervised() as tasks:
            workers = Workers("ledger", 1, tasks)
            ledger = Ledger(lambda: kept[-1] if kept else None, write)
            await ledger.load(workers)
            assert ledger.totals.starts == starts and ledger.totals.first_at
            ledger.count(Moved(5, 7))
            await ledger.save(workers)
            workers.close()
        return ledger

    run(one_run(1))
    ledger = run(one_run(2))
    assert ledger.totals.moved == Moved(10, 14) and ledger.run == Moved(5, 7)


def payload(moved: Moved) -> tuple[int, int]:
    return moved.downloaded_bytes, moved.uploaded_bytes


def check_talk(leecher: Moved, seeder: Moved) -> None:
    """Handshakes, a bitfield, seven requests and the headers of seven blocks; little of it may be
    left unread when both hang up."""
    assert 7 * 13 + 68 < leecher.protocol_received_bytes <= seeder.protocol_sent_bytes < 2000
    assert 7 * 17 + 68 < seeder.protocol_received_bytes <= leecher.protocol_sent_bytes < 2000
    assert leecher.dht_received_bytes == leecher.dht_sent_bytes == 0, "it is off"


def test_a_session_counts_what_it_moved_once_whatever_becomes_of_the_torrent(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        host, config = new_host(), make_config(tmp_path / "b", new_host())
        async with running(make_config(tmp_path / "a", host)) as seeder:
            infohash = await seed(seeder, TORRENT, tmp_path / "source")
            async with running(config) as leecher:
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                before = leecher.totals().run
                assert payload(before) == (100_000, 0)
                await leecher.remove(infohash)
                moved = leecher.totals().run
                assert payload(moved) == (100_000, 0)
                assert moved == leecher.status().moved
            assert payload(seeder.totals().run) == (0, 100_000)
            check_talk(moved, seeder.totals().run)
            async with running(config) as leecher:
                ledger = leecher.totals()
                assert ledger.run == Moved() and payload(ledger.totals.moved) == (100_000, 0)
                assert ledger.totals.starts == 2
                assert list(ledger.totals.days.values()) == [ledger.totals.moved]
                assert ledger.totals.moved.protocol_sent_bytes >= moved.protocol_sent_bytes

    run(scenario())
