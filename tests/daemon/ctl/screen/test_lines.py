"""The lines beside the tables: no wider than the terminal, and they tell what rows do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.daemon.ctl.printed import as_sent
from tests.daemon.fake_session import FakeSession, make_dht
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.screen.lines import (
    dht_headline,
    event_note,
    headline,
    limits_note,
    torrent_note,
)

DAEMON = as_sent({"daemon": FakeSession().status()}).child("daemon")
WHOLE = "7 torrents, down 12.3 MiB/s, up 1.10 MiB/s, 14 peers, 123 DHT nodes"


def test_the_headline_gives_up_its_end_and_fills_what_is_left_with_the_rates() -> None:
    assert headline(DAEMON, 7, [], 80) == WHOLE
    assert headline(DAEMON, 7, [], 60) == WHOLE.rpartition(",")[0]
    assert headline(DAEMON, 7, [], 30) == "7 torrents, down 12.3 MiB/s"
    assert headline(DAEMON, 7, [4, 8], 80) == WHOLE.ljust(78) + "▅█"
    assert headline(DAEMON, 7, [4, 8], 70) == WHOLE


@given(st.integers(1, 150), st.lists(st.integers(0, 9), max_size=50))
def test_the_headline_is_never_wider_than_the_terminal(width: int, moved: list[int]) -> None:
    assert len(headline(DAEMON, 10_000, moved, width)) <= width


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"state": "error", "error": "disk full"}, "error: disk full"),
        ({"state": "metadata", "stage": "peers"}, "looking for peers: 123 DHT nodes, 0 known"),
        ({"state": "paused", "pause_reason": "when ratio > 2"}, "paused by when ratio > 2"),
        ({"state": "seeding", "labels": ["a", "b"]}, "labels: a, b"),
        ({"state": "seeding"}, ""),
    ],
)
def test_a_note_says_what_the_row_does_not(fields: dict[str, Json], note: str) -> None:
    assert torrent_note(DAEMON, Document(fields)) == note


@pytest.mark.parametrize(
    ("event", "note"),
    [
        ({"event": "done", "name": "one"}, "done: one"),
        ({"event": "error", "name": "one", "cause": "disk full"}, "one: disk full"),
        ({"event": "network-lost"}, "the network is lost"),
        ({"event": "paused", "name": "one"}, ""),
    ],
)
def test_events_that_matter_are_said(event: dict[str, Json], note: str) -> None:
    assert event_note(Document(event)) == note


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_note_does_nothing(name: str) -> None:
    assert is_safe(event_note(Document({"event": "done", "name": name})))
    assert is_safe(torrent_note(DAEMON, Document({"error": name})))


def test_the_limits_that_hold_are_told() -> None:
    every: dict[str, Json] = {"download_bytes_per_s_max": 2**20}
    every |= {"alternative_upload_bytes_per_s_max": 1024, "alternative_holds": False}
    assert limits_note(Document({"all": every})) == "down 1.00 MiB/s, up unlimited"
    every["alternative_holds"] = True
    assert limits_note(Document({"all": every})) == "down unlimited, up 1.00 KiB/s"


def test_the_dht_in_a_line() -> None:
    text = dht_headline(as_sent(make_dht()))
    assert text == "the DHT: 123 good nodes, 7 unsure, 1 search, 42 peers stored"
    assert dht_headline(Document({"enabled": False})).endswith("dht.enabled is false")
