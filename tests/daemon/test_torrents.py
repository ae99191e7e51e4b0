"""Commands on torrents: what is added, checked again and removed."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.daemon.session_room import (
    PORT,
    TIMEOUT_S,
    is_complete,
    lay_out,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import single_file
from torrentd.daemon import holding
from torrentd.daemon.status import AddRequest, Refused
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.store.trash import NoTrash, Trash

KIB = 1024
SMALL = single_file(random.Random(2).randbytes(100_000), 16 * KIB, b"small.bin")


class TestAdding:
    def test_the_same_torrent_twice_is_one_torrent(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                request = AddRequest(metainfo=encode_metainfo(SMALL.metadata))
                assert (await session.add(request)).added
                assert not (await session.add(request)).added
                assert len(session.torrents()) == 1

        run(scenario())

    def test_existing_data_is_used(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            lay_out(SMALL, tmp_path / "downloads")
            async with running(make_config(tmp_path, new_host())) as session:
                request = AddRequest(metainfo=encode_metainfo(SMALL.metadata))
                infohash = session.find((await session.add(request)).infohash)
                assert await session.wait(infohash, "done", TIMEOUT_S)
                assert session.torrent(infohash).downloaded_bytes == 0

        run(scenario())

    def test_somebody_elses_file_is_never_overwritten(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            path = tmp_path / "downloads" / "small.bin"
            path.parent.mkdir()
            path.write_bytes(b"precious" * 20_000)
            async with running(make_config(tmp_path, new_host())) as session:
                request = AddRequest(metainfo=encode_metainfo(SMALL.metadata))
                infohash = session.find((await session.add(request)).infohash)
                await until(lambda: session.torrent(infohash).state == "error")
                assert "nothing of this torrent" in (session.torrent(infohash).error or "")
                await session.remove(infohash, fate="deleted")
            assert path.read_bytes() == b"precious" * 20_000

        run(scenario())

    def test_two_torrents_with_the_same_files_are_refused(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            other = single_file(SMALL.content[::-1], 16 * KIB, b"small.bin")
            async with running(make_config(tmp_path, new_host())) as session:
                for torrent in (SMALL, other):
                    await session.add(AddRequest(metainfo=encode_metainfo(torrent.metadata)))
                await until(lambda: session.torrent(other.infohash).state == "error")
                assert SMALL.infohash.hex() in (session.torrent(other.infohash).error or "")

        run(scenario())

    def test_a_large_torrent_file_is_read_outside_of_the_loop(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            many = single_file(bytes(400_000), 20, b"many pieces")
            assert len(many.metadata) > 256 * KIB
            async with running(make_config(tmp_path, new_host())) as session:
                assert (
                    await session.add(AddRequest(metainfo=encode_metainfo(many.metadata)))
                ).added
                with pytest.raises(Refused, match="not a torrent file"):
                    await session.add(AddRequest(metainfo=b"d" * 300_000))

        run(scenario())


class TestChanging:
    def test_verify_finds_what_was_changed_and_it_is_fetched_again(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, SMALL, tmp_path / "source")
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                path = tmp_path / "b" / "downloads" / "small.bin"
                with path.open("r+b") as file:
                    file.seek(20_000)
                    file.write(b"somebody was here")
                await leecher.verify(infohash)
                assert leecher.torrent(infohash).state == "checking"
                await until(lambda: leecher.torrent(infohash).state != "checking")
                await leecher.add_peer(infohash, f"{host}:{PORT}")
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert leecher.torrent(infohash).downloaded_bytes == len(SMALL.content) + 16 * KIB
            assert is_complete(SMALL, tmp_path / "b" / "downloads")

        run(scenario())

    def test_remove_with_data_leaves_nothing_and_without_it_leaves_the_data(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, SMALL, tmp_path / "source")
                await session.remove(infohash)
                assert is_complete(SMALL, tmp_path / "source")
                await seed(session, SMALL, tmp_path / "source")
                await session.remove(infohash, fate="deleted")
                assert list((tmp_path / "source").iterdir()) == []
                assert session.torrents() == []
            assert list((tmp_path / "state" / "torrents").iterdir()) == []

        run(scenario())

    def test_remove_with_trash_keeps_the_data_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))

        async def scenario() -> list[str]:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, SMALL, tmp_path / "source")
                (tmp_path / "source" / "not of it").write_text("stays")
                await session.check_trash(infohash)
                moved = await session.remove(infohash, fate="trashed")
                assert session.torrents() == []
            assert list((tmp_path / "state" / "torrents").iterdir()) == []
            return moved

        assert run(scenario()) == [str(tmp_path / "share" / "Trash" / "files" / "small.bin")]
        assert is_complete(SMALL, tmp_path / "share" / "Trash" / "files")
        assert [path.name for path in (tmp_path / "source").iterdir()] == ["not of it"]

    @pytest.mark.parametrize("when", ["asked first", "amid the move"])
    def test_without_a_trash_nothing_is_removed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
    ) -> None:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))

        def fail(self: Trash, root: Path, names: object, at: object) -> list[Path]:
            raise NoTrash(root, "it cannot go to the trash")

        def refuse(root: Path, home: Path) -> Trash:
            raise NoTrash(root, "it has no trash")

        if when == "asked first":
            monkeypatch.setattr(holding, "find_trash", refuse)
        else:
            monkeypatch.setattr(Trash, "put", fail)

        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, SMALL, tmp_path / "source")
                with pytest.raises(Refused, match=r"nothing was removed: .* trash$"):
                    await session.remove(infohash, fate="trashed")
                assert await session.wait(infohash, "seeding", TIMEOUT_S)
                assert session.torrent(infohash).downloaded_bytes == 0
                await session.remove(infohash)

        run(scenario())
        assert is_complete(SMALL, tmp_path / "source")

    def test_an_announce_is_searched_for_at_once_by_those_that_run(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host(), bootstrap=())
            async with running(config) as session:
                infohash = await seed(session, SMALL, tmp_path / "source")
                torrent = session._torrents[infohash]
                before = torrent.swarm.announce_at
                assert before is not None
                await session.announce(infohash)
                after = torrent.swarm.announce_at
                assert after is not None and after > before - 180, "it was due, and is due later"
                assert torrent.swarm.announce_at != before
                await session.pause(infohash)
                with pytest.raises(Refused, match="does not run"):
                    await session.announce(infohash)
            async with running(make_config(tmp_path / "off", new_host())) as session:
                infohash = await seed(session, SMALL, tmp_path / "source")
                with pytest.raises(Refused, match=r"dht\.enabled is false"):
                    await session.announce(infohash)

        run(scenario())

    def test_waiting_ends_when_the_time_is_up_or_the_torrent_is_gone(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = session.find((await session.add(AddRequest(magnet="ab" * 20))).infohash)
                assert not await session.wait(infohash, "metadata", 0.01)
                waiting = asyncio.ensure_future(session.wait(infohash, "done"))
                await asyncio.sleep(0)
                await session.remove(infohash)
                with pytest.raises(Refused, match="removed"):
                    await waiting

        run(scenario())
