"""Bans by hand: on record, in force at once, told from what is nonsense; and a whole session's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.session_room import (
    PORT,
    TIMEOUT_S,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import single_file
from torrentd.daemon.bans import Bans
from torrentd.daemon.status import AddRequest, Refused
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.blocks import Blocks

TORRENT = single_file(bytes(300_000), 16384, b"data.bin")


class Room:
    def __init__(self, on_record: bytes | None = None, problem: str | None = None) -> None:
        self.blocks = Blocks()
        self.saved = on_record
        self.problem = problem
        self.changes = 0
        self.bans = Bans(self.blocks, self.load, self.save, self.changed)

    async def load(self) -> bytes | None:
        return self.saved

    async def save(self, data: bytes) -> str | None:
        self.saved = data
        return self.problem

    def changed(self) -> None:
        self.changes += 1


def test_what_is_banned_counts_at_once_and_is_on_record() -> None:
    async def scenario() -> None:
        room = Room()
        await room.bans.start()
        assert await room.bans.ban(["192.0.2.7", "198.51.100.9/24"]) == [
            "192.0.2.7", "198.51.100.0/24",
        ]  # fmt: skip
        assert room.blocks.holds("198.51.100.1") and room.changes == 1
        again = Room(room.saved)
        await again.bans.start()
        assert again.bans.all() == ["192.0.2.7", "198.51.100.0/24"]
        assert again.blocks.holds("192.0.2.7")
        assert await again.bans.unban(["192.0.2.7"]) == ["192.0.2.7"]
        assert not again.blocks.holds("192.0.2.7") and again.saved == b"198.51.100.0/24\n"

    run(scenario())


@pytest.mark.parametrize("act", [Bans.ban, Bans.unban])
def test_of_nonsense_nothing_counts(act: Callable[..., object]) -> None:
    async def scenario() -> None:
        room = Room(b"192.0.2.1\nnonsense\n\xff\n")
        await room.bans.start()
        assert room.bans.all() == ["192.0.2.1"]
        with pytest.raises(Refused, match=r"write 192\.0\.2\.7, 192"):
            await room.bans.ban(["192.0.2.8", "x" * 10_000])
        with pytest.raises(Refused, match=r"192\.0\.2\.9 is not banned"):
            await room.bans.unban(["192.0.2.1", "192.0.2.9"])
        assert room.bans.all() == ["192.0.2.1"] and room.changes == 0

    run(scenario())


def test_a_disk_that_fails_is_told() -> None:
    async def scenario() -> None:
        room = Room(problem="No space left on device")
        with pytest.raises(Refused, match="only until the daemon ends: No space"):
            await room.bans.ban(["192.0.2.7"])
        assert room.blocks.holds("192.0.2.7")

    run(scenario())


def test_a_peer_that_is_banned_is_cut_and_neither_dialled_nor_let_in(tmp_path: Path) -> None:
    async def scenario() -> None:
        there, here = new_host(), new_host()
        config = make_config(tmp_path / "b", here)
        async with (
            running(make_config(tmp_path / "a", there)) as seeder,
            running(config) as leecher,
        ):
            infohash = await seed(seeder, TORRENT, tmp_path / "source")
            await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{there}:{PORT}"]))
            assert await leecher.wait(infohash, "done", TIMEOUT_S)
            await leecher.add_peer(infohash, f"{there}:{PORT}")
            await leecher.bans.ban([there])
            assert leecher.peers(infohash) == []
            with pytest.raises(Refused, match="is banned, or on the blocklist"):
                await leecher.add_peer(infohash, f"{there}:{PORT}")
            refused = leecher.status().blocks.refused
            await seeder.add_peer(infohash, f"{here}:{PORT}")
            await until(lambda: leecher.status().blocks.refused > refused)
            assert leecher.peers(infohash) == [] and leecher.status().blocks.banned == 1
            assert not leecher._policy.allows_node(Address(there, PORT))
        async with running(config) as again:
            assert again.bans.all() == [there], "and over a restart"

    run(scenario())
