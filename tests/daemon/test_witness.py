"""What happens to torrents is told once, to everybody who attached, in order."""

import random
from pathlib import Path

from tests.daemon.session_room import (
    PORT,
    TIMEOUT_S,
    lay_out,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import File, multi_file, single_file
from torrentd.daemon.session import Session
from torrentd.daemon.status import AddRequest
from torrentd.daemon.witness import Happening, Witnesses
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import encode_metainfo

KIB = 1024
RNG = random.Random(11)
PAIR = multi_file(
    [
        File((b"a",), RNG.randbytes(40_000)),
        File((b"pad",), bytes(9152), b"p"),
        File((b"b",), RNG.randbytes(99)),
    ],
    16 * KIB,
    b"pair",
)
SMALL = single_file(RNG.randbytes(100_000), 16 * KIB, b"small.bin")


class Listener:
    """Keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[Happening] = []

    def happened(self, happening: Happening) -> None:
        self.heard.append(happening)

    def looked_at(self, infohash: InfoHash) -> None:
        pass

    def kinds(self) -> list[str]:
        return [each.kind for each in self.heard]


def listen(session: Session) -> Listener:
    listener = Listener()
    session.witnesses.attach(listener)
    return listener


def test_all_who_attached_hear_it_and_nobody_twice() -> None:
    witnesses, first, second = Witnesses(), Listener(), Listener()
    witnesses.attach(first)
    witnesses.attach(first)
    witnesses.tell("added", InfoHash(b"i" * 20), "name")
    witnesses.attach(second)
    witnesses.tell("error", InfoHash(b"i" * 20), "name", "why")
    assert first.kinds() == ["added", "error"]
    assert second.heard == [Happening("error", InfoHash(b"i" * 20), "name", "why")]


class TestOfASession:
    def test_a_magnet_is_told_from_its_add_to_its_end(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, PAIR, tmp_path / "source")
                told = listen(leecher)
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                await leecher.pause(infohash)
                await leecher.pause(infohash)
                await leecher.resume(infohash)
                await leecher.remove(infohash)
                assert told.kinds()[:2] == ["added", "metadata"]
                assert sorted(told.kinds()[2:4]) == ["file-done", "file-done"]
                assert told.kinds()[4:] == ["done", "paused", "resumed", "removed"]
                files = {each.detail for each in told.heard if each.kind == "file-done"}
                assert files == {"pair/a", "pair/b"}, "padding is no file"
                assert told.heard[-1].name == "pair"

        run(scenario())

    def test_neither_a_restart_nor_a_check_is_another_end(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                told = listen(session)
                infohash = await seed(session, SMALL, tmp_path / "source")
                await session.verify(infohash)
                assert await session.wait(infohash, "done", TIMEOUT_S)
                assert told.kinds() == ["added", "done"]
            session = Session(config)
            told = listen(session)
            await session.start()
            assert await session.wait(infohash, "done", TIMEOUT_S)
            await session.stop()
            assert told.kinds() == []

        run(scenario())

    def test_what_was_lost_and_came_again_is_told_again(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, SMALL, tmp_path / "source")
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                told = listen(leecher)
                with (tmp_path / "b" / "downloads" / "small.bin").open("r+b") as file:
                    file.write(b"somebody was here")
                await leecher.verify(infohash)
                await until(lambda: leecher.torrent(infohash).state != "checking")
                await leecher.add_peer(infohash, f"{host}:{PORT}")
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert told.kinds() == ["file-done", "done"]

        run(scenario())

    def test_an_error_comes_with_its_sentence(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            lay_out(single_file(bytes(100_000), 16 * KIB, b"small.bin"), tmp_path / "downloads")
            async with running(make_config(tmp_path, new_host())) as session:
                told = listen(session)
                await session.add(AddRequest(metainfo=encode_metainfo(SMALL.metadata)))
                await until(lambda: "error" in told.kinds())
                assert "nothing of this torrent" in told.heard[-1].detail

        run(scenario())
