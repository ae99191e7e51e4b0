"""The configuration that runs: the file, changes by hand, and what waits for a restart."""

import asyncio
from pathlib import Path

import pytest

from torrentd.config.load import ConfigError
from torrentd.config.schema import Config
from torrentd.daemon.settings import Difference, Reloaded, Settings
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.status import Refused
from torrentd.wire.formats.bencode import encode

UPLOAD = "rates.upload_bytes_per_s_max"
PORT = "listen.port"


class Room:
    """A file, a state folder, and somebody who is told what counts."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "torrentd.yaml"
        self.state = folder / "state"
        self.state.mkdir()
        self.told: list[Config] = []
        self.save_problem: str | None = None
        self.write("")
        self.settings = self.started()

    def write(self, text: str) -> None:
        self.file.write_text(f"state_dir: {self.state}\n{text}")

    def started(self) -> Settings:
        """A daemon that starts now."""
        settings = Settings(self.file, {"HOME": "/home/u"})
        settings.apply = self.told.append
        settings.save = self.save
        return settings

    async def save(self, data: bytes) -> str | None:
        return self.save_problem or StateDir(self.state).save_changes(data)

    def set(self, key: str, text: str) -> Reloaded:
        return asyncio.run(self.settings.change(key, text))

    def drop(self, *keys: str) -> Reloaded:
        return asyncio.run(self.settings.drop([*keys]))

    def upload_max(self) -> int:
        return self.settings.config.rates.upload_bytes_per_s_max


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


class TestReload:
    def test_what_may_change_counts_at_once_and_the_rest_waits(self, room: Room) -> None:
        room.write("listen: {port: 7000}\nrates: {upload_bytes_per_s_max: 7}\n")
        assert room.settings.reload() == Reloaded([UPLOAD], [PORT])
        assert room.told == [room.settings.config]
        assert room.upload_max() == 7
        assert room.settings.config.listen.port == 6881
        assert room.settings.differences() == [Difference(PORT, "6881", "7000", "needs a restart")]
        assert room.settings.reload() == Reloaded([], [PORT])

    def test_a_mistake_changes_nothing_of_the_file(self, room: Room) -> None:
        before = room.settings.config
        room.write("rates: {upload_bytes_per_s_max: 7}\nlisten: {port: 0}\n")
        with pytest.raises(ConfigError, match=r"torrentd.yaml:3: listen.port: "):
            room.settings.reload()
        with pytest.raises(ConfigError):
            room.settings.differences()
        assert room.settings.config is before and not room.told

    def test_a_file_that_went_away_changes_nothing(self, room: Room) -> None:
        room.file.unlink()
        with pytest.raises(ConfigError, match="cannot be read"):
            room.settings.reload()

    def test_a_file_that_was_edited_differs_until_it_is_reloaded(self, room: Room) -> None:
        room.write("rates: {upload_bytes_per_s_max: 1 MiB}\n")
        assert room.settings.differences() == [Difference(UPLOAD, "0", "1 MiB", "not reloaded")]
        room.settings.reload()
        assert room.settings.differences() == []


class TestByHand:
    def test_it_counts_at_once_and_over_reloads_and_restarts(self, room: Room) -> None:
        assert room.set(UPLOAD, "1 MiB") == Reloaded([UPLOAD], [])
        assert room.told[-1].rates.upload_bytes_per_s_max == 1 << 20
        room.write("rates: {upload_bytes_per_s_max: 7}\n")
        assert room.settings.reload() == Reloaded([], [])
        room.settings = room.started()
        assert room.upload_max() == 1 << 20
        assert room.settings.differences() == [Difference(UPLOAD, "1 MiB", "7", "changed by hand")]

    def test_dropped_the_file_counts_again(self, room: Room) -> None:
        room.write("rates: {upload_bytes_per_s_max: 7}\n")
        room.set(UPLOAD, "8")
        room.set("log.level", "debug")
        with pytest.raises(Refused, match="was not changed by hand"):
            room.drop(UPLOAD, "log.format")
        assert room.drop(UPLOAD) == Reloaded([UPLOAD], [])
        assert room.upload_max() == 7
        assert room.drop() == Reloaded(["log.level"], [])
        room.settings = room.started()
        assert room.settings.config.log.level == "info"

    def test_a_list_is_one_value_too(self, room: Room) -> None:
        room.set("rates.alternative_times", '["mon-fri 08:00-18:00"]')
        assert room.settings.config.rates.alternative_times == ("mon-fri 08:00-18:00",)

    @pytest.mark.parametrize(
        ("key", "text", "why"),
        [
            (UPLOAD, "fast", f"{UPLOAD}: `fast` came; right is a size from 0"),
            (UPLOAD, "7\nlisten: {port: 1}", "is not one value"),
            (UPLOAD, "{a: 1}", "right is a size"),
            (UPLOAD, "[", "not YAML"),
            (UPLOAD, "7" * 5000, "longer than"),
            ("rates.limit_local_network", "on", "means true in YAML 1.1"),
            (PORT, "7000", "is read when torrentd starts"),
            ("rates.uploads_bytes_max", "7", f'did you mean "{UPLOAD}"'),
            ("rates", "7", "there is no key"),
        ],
    )
    def test_what_is_not_right_changes_nothing(
        self, key: str, text: str, why: str, room: Room
    ) -> None:
        before = room.settings.config
        with pytest.raises(Refused) as caught:
            room.set(key, text)
        assert why in str(caught.value)
        assert room.settings.config == before
        assert not room.told and room.settings.differences() == []

    def test_what_cannot_be_saved_does_not_count(self, room: Room) -> None:
        room.save_problem = "the disk is full"
        with pytest.raises(Refused, match="the disk is full"):
            room.set(UPLOAD, "7")
        assert room.upload_max() == 0 and not room.told

    def test_a_change_that_fits_no_more_does_not_keep_the_daemon_from_starting(
        self, room: Room
    ) -> None:
        old = {UPLOAD: "7", "rates.gone": "1", "log.level": "loud", PORT: "7000"}
        data = encode({name.encode(): text.encode() for name, text in old.items()})
        assert StateDir(room.state).save_changes(data) is None
        room.settings = room.started()
        assert room.upload_max() == 7
        assert room.settings.config.listen.port == 6881

    @pytest.mark.parametrize("data", [b"", b"garbage", b"le", b"d1:a3:\xff\xff\xffe", b"d1:ai1ee"])
    def test_a_record_that_is_no_record_is_none(self, data: bytes, room: Room) -> None:
        StateDir(room.state).save_changes(data)
        assert room.started().config == room.settings.config


class TestSettings:
    def test_each_value_says_where_it_comes_from(self, room: Room) -> None:
        room.write("rates:\n  upload_bytes_per_s_max: 7\n  download_bytes_per_s_max: 8\n")
        room.settings.reload()
        room.set(UPLOAD, "9")
        found = {each.key: each for each in room.settings.settings([])}
        assert (found[UPLOAD].value, found[UPLOAD].origin, found[UPLOAD].line) == (
            "9",
            "hand",
            None,
        )
        down = found["rates.download_bytes_per_s_max"]
        assert (down.value, down.origin, down.line) == ("8", "file", 4)
        assert found["state_dir"].origin == "file"
        assert found["download_dir"].origin == "environment"
        assert (found[PORT].value, found[PORT].origin) == ("6881", "default")
        assert found["listen.addresses"].value == '["0.0.0.0", "::"]'

    def test_a_section_is_all_its_keys(self, room: Room) -> None:
        names = [each.key for each in room.settings.settings(["log", "log.level"])]
        assert names == ["log.level", "log.format"]
        with pytest.raises(Refused, match="there is no key"):
            room.settings.settings(["lo"])
