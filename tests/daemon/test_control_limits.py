"""The verb `limits`: settings for all torrents, options for one."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.control_call import Call
from torrentd.daemon.control_limits import LimitVerbs
from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_params import Params
from torrentd.daemon.settings import Settings
from torrentd.daemon.status import Refused
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import TorrentOptions

ONE, TWO = make_torrent(0xABCD0001, "one"), make_torrent(0xABCD0002, "two")
INFOHASHES = [InfoHash(bytes.fromhex(each.infohash)) for each in (ONE, TWO)]


class Room:
    """A session and settings whose changes are kept nowhere."""

    def __init__(self, tmp_path: Path) -> None:
        path = tmp_path / "torrentd.yaml"
        path.write_text(f"state_dir: {tmp_path}\nrates: {{upload_bytes_per_s_max: 7000}}\n")
        self.session = FakeSession(ONE, TWO)
        self.settings = Settings(path, {"HOME": "/home/u"})
        self.settings.save = self._save

    async def _save(self, data: bytes) -> str | None:
        return None

    def ask(self, **params: Json) -> tuple[dict[str, object], list[dict[str, object]]]:
        async def answer() -> dict[str, object]:
            verb = LimitVerbs(self.session, self.settings).by_name["limits"]
            return dict((await verb(Params("limits", params), Call(None, lambda: False))).document)

        document = asyncio.run(answer())
        every, torrents = document["all"], document["torrents"]
        assert isinstance(every, dict) and isinstance(torrents, list)
        return every, torrents


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_without_anything_it_shows_all_that_holds(room: Room) -> None:
    room.session.wanted[INFOHASHES[1]] = TorrentOptions(download_bytes_per_s_max=5)
    every, torrents = room.ask()
    assert every == {
        "download_bytes_per_s_max": 0,
        "upload_bytes_per_s_max": 7000,
        "alternative_download_bytes_per_s_max": 0,
        "alternative_upload_bytes_per_s_max": 0,
        "alternative": "auto",
        "alternative_holds": False,
        "by_hand": [],
    }
    assert [torrent["name"] for torrent in torrents] == ["two"], "those with limits of their own"


def test_limits_of_all_are_settings_changed_by_hand(room: Room) -> None:
    every, _ = room.ask(download_bytes_per_s_max=4096, alternative="on")
    rates = room.settings.config.rates
    assert (rates.download_bytes_per_s_max, rates.upload_bytes_per_s_max) == (4096, 7000)
    assert rates.alternative == "always" and every["alternative"] == "on"
    changed = [each.key for each in room.settings.differences()]
    assert changed == ["rates.download_bytes_per_s_max", "rates.alternative"] == every["by_hand"]
    room.ask(alternative="off")
    assert room.settings.config.rates.alternative == "never"


def test_limits_of_a_torrent_are_its_options_and_what_is_not_named_stays(room: Room) -> None:
    before = TorrentOptions(labels=("a",), upload_bytes_per_s_max=9)
    room.session.wanted[INFOHASHES[0]] = before
    _, torrents = room.ask(torrents=["one", "all"], download_bytes_per_s_max=5)
    assert room.session.wanted[INFOHASHES[0]] == replace(before, download_bytes_per_s_max=5)
    assert [torrent["upload_bytes_per_s_max"] for torrent in torrents] == [9, 0]
    room.ask(torrents=["one"], download_bytes_per_s_max=0, upload_bytes_per_s_max=0)
    assert room.session.wanted[INFOHASHES[0]] == TorrentOptions(labels=("a",))
    assert room.settings.differences() == []


def test_super_seeding_is_of_a_torrent_and_switched_both_ways(room: Room) -> None:
    for wanted in (True, False):
        _, torrents = room.ask(torrents=["one"], super_seeding=wanted)
        assert torrents[0]["super_seeding"] is wanted
        assert room.session.wanted[INFOHASHES[0]].super_seeding is wanted
    with pytest.raises(Refused):
        room.ask(super_seeding=True)


def test_rules_of_a_torrent_are_its_own_until_they_are_the_default_ones(room: Room) -> None:
    rules: list[Json] = ["when ratio >= 2: pause", "when seeding >= 14d: pause"]
    _, torrents = room.ask(torrents=["one"], rules=rules)
    assert torrents[0]["rules"] == rules
    assert [torrent["name"] for torrent in room.ask()[1]] == ["one"]
    room.ask(torrents=["one"], rules=["default"])
    assert room.session.wanted[INFOHASHES[0]].rules is None


@pytest.mark.parametrize(
    "params",
    [
        {"rules": ["ratio > 2: pause"]},
        {"torrents": ["one"], "rules": ["ratio > 2"]},
        {"torrents": ["nobody"], "download_bytes_per_s_max": 5},
        {"torrents": ["one", "nobody"], "download_bytes_per_s_max": 5},
        {"torrents": ["one"], "alternative": "on"},
        {"alternative": "perhaps"},
        {"upload_bytes_per_s_max": -1},
        {"upload_bytes_per_s_max": 2**60},
        {"upload_bytes_per_s_max": "5"},
        {"down": 5},
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    room: Room, params: dict[str, Json]
) -> None:
    with pytest.raises((Refused, LineError)):
        room.ask(**params)
    assert not room.session.wanted and room.settings.differences() == []
