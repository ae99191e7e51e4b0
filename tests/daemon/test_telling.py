"""What is told of torrents: once in a quiet life, and after a kill what it kept back."""

import random
from pathlib import Path

from tests.daemon.session_room import (
    PORT,
    TIMEOUT_S,
    is_complete,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import File, multi_file, single_file
from torrentd.config.schema import Config
from torrentd.daemon.control_lines import Json
from torrentd.daemon.file_choice import FileChoice
from torrentd.daemon.journal_file import JournalFile
from torrentd.daemon.session import Session
from torrentd.daemon.status import AddRequest
from torrentd.wire.formats.metainfo import encode_metainfo

KIB = 1024
RNG = random.Random(17)
THREE = multi_file(
    [
        File((b"a",), RNG.randbytes(40_000)),
        File((b"pad",), bytes(9152), b"p"),
        File((b"b",), RNG.randbytes(99)),
        File((b"c",), RNG.randbytes(50_000)),
    ],
    16 * KIB,
    b"three",
)
SMALL = single_file(RNG.randbytes(100_000), 16 * KIB, b"small.bin")
DAEMON = ("started", "stopped", "network-lost", "network-found")


def events(config: Config) -> list[dict[str, Json]]:
    """All that the file has of torrents."""
    file = JournalFile(config.state_dir / "journal")
    file.open()
    found = [entry.event for entry in file.read(0, 10**6)]
    file.close()
    return [event for event in found if event["event"] not in DAEMON]


def kinds(config: Config) -> list[Json]:
    return [event["event"] for event in events(config)]


def forget(config: Config, kept: int) -> None:
    """As if the daemon had been killed after the first `kept` events of torrents."""
    path = config.state_dir / "journal"
    head, *lines = path.read_bytes().splitlines(keepends=True)
    about = [line for line in lines if not any(b'"%s"' % word.encode() in line for word in DAEMON)]
    path.write_bytes(head + b"".join(about[:kept]))


async def restarted(config: Config) -> None:
    """A start, a look at all data, a stop."""
    async with running(config) as session:
        await until(lambda: all(t.state != "checking" for t in session.torrents()))
        await session.journal.flush()


async def downloaded(config: Config, tmp_path: Path) -> None:
    host = new_host()
    async with (
        running(make_config(tmp_path / "seeder", host)) as seeder,
        running(config) as leecher,
    ):
        infohash = await seed(seeder, THREE, tmp_path / "source")
        await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
        assert await leecher.wait(infohash, "done", TIMEOUT_S)
    assert is_complete(THREE, config.download_dir)


def test_a_magnet_is_told_from_its_add_to_its_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        await downloaded(config, tmp_path)
        assert kinds(config)[:2] == ["added", "metadata"] and kinds(config)[-1] == "done"
        files = {event["path"] for event in events(config) if event["event"] == "file-done"}
        root = config.download_dir / "three"
        assert files == {str(root / "a"), str(root / "b"), str(root / "c")}, "padding is no file"
        before = kinds(config)
        await restarted(config)
        assert kinds(config) == before, "a restart is no news"

    run(scenario())


def test_whatever_a_kill_kept_back_is_told_at_the_next_start(tmp_path: Path) -> None:
    """Killed after each of the events in turn."""

    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        await downloaded(config, tmp_path)
        whole = kinds(config)
        assert whole.count("file-done") == 3
        for kept in reversed(range(len(whole))):
            forget(config, kept)
            assert kinds(config) == whole[:kept]
            await restarted(config)
            missing = [kind for kind in whole[kept:] if kind != "file-done"]
            assert kinds(config) == whole[:kept] + missing, "its files are told by its end"

    run(scenario())


def test_files_that_are_whole_are_told_of_a_torrent_that_is_not(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        await downloaded(config, tmp_path)
        (config.download_dir / "three" / "c").write_bytes(b"somebody was here")
        async with running(config) as session:
            await session.verify(session.find("three"))
            await until(lambda: session.torrents()[0].state == "downloading")
        last = events(config)[-1]
        assert (last["event"], last["files_done"]) == ("incomplete", "0"), "b shares a piece of c"
        forget(config, 2)
        await restarted(config)
        assert kinds(config) == ["added", "metadata", "file-done"]
        assert events(config)[-1]["file"] == 0

    run(scenario())


def test_what_lacks_something_and_is_mended_is_done_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        config, source = make_config(tmp_path, new_host()), tmp_path / "source"
        async with running(config) as session:
            infohash = await seed(session, SMALL, source)
            (source / "small.bin").write_bytes(bytes(100_000))
            await session.verify(infohash)
            await until(lambda: session.torrent(infohash).state == "downloading")
            (source / "small.bin").write_bytes(SMALL.content)
            await session.verify(infohash)
            assert await session.wait(infohash, "done", TIMEOUT_S)
        assert kinds(config) == ["added", "metadata", "done", "incomplete", "done"]

    run(scenario())


def test_one_of_which_more_is_wanted_is_done_twice(tmp_path: Path) -> None:
    async def scenario() -> None:
        host, config = new_host(), make_config(tmp_path, new_host())
        async with (
            running(make_config(tmp_path / "seeder", host)) as seeder,
            running(config) as leecher,
        ):
            infohash = await seed(seeder, THREE, tmp_path / "source")
            peers = [f"{host}:{PORT}"]
            await leecher.add(AddRequest(magnet=infohash.hex(), peers=peers, select=["a"]))
            assert await leecher.wait(infohash, "done", TIMEOUT_S)
            leecher.choose_files(infohash, FileChoice(also=["c"]))
            await leecher.add_peer(infohash, peers[0])
            assert await leecher.wait(infohash, "done", TIMEOUT_S)
        told = [kind for kind in kinds(config) if kind not in ("added", "metadata")]
        assert told == ["file-done", "done", "incomplete", "file-done", "done"]

    run(scenario())


def test_a_pause_has_its_reason(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        async with running(config) as session:
            infohash = await seed(session, SMALL, tmp_path / "source")
            session._torrents[infohash].pause("by a rule")
        last = events(config)[-1]
        assert (last["event"], last["cause"]) == ("paused", "by a rule")

    run(scenario())


def test_pauses_and_removals_that_a_kill_kept_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        async with running(config) as session:
            infohash = await seed(session, SMALL, tmp_path / "source")
            await session.pause(infohash)
        forget(config, kinds(config).index("paused"))
        await restarted(config)
        assert kinds(config)[-1] == "paused"
        async with running(config) as session:
            await session.remove(infohash, fate="deleted")
        assert (events(config)[-1]["event"], events(config)[-1]["data"]) == ("removed", True)
        forget(config, kinds(config).index("removed"))
        await restarted(config)
        assert events(config)[-1]["infohash"] == infohash.hex()
        assert kinds(config)[-1] == "removed"

    run(scenario())


def test_torrents_of_before_there_was_a_journal_are_no_news(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        async with running(config) as session:
            await seed(session, SMALL, tmp_path / "source")
        (config.state_dir / "journal").unlink()
        (config.state_dir / "journal.old").unlink()
        await restarted(config)
        assert kinds(config) == []

    run(scenario())


def test_an_error_has_its_sentence_and_its_end(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        (tmp_path / "downloads").mkdir()
        (tmp_path / "downloads" / "small.bin").write_bytes(bytes(100_000))
        async with running(config) as session:
            await session.add(AddRequest(metainfo=encode_metainfo(SMALL.metadata)))
            await until(lambda: session.torrents()[0].error is not None)
        last = events(config)[-1]
        assert last["event"] == "error" and "nothing of this torrent" in str(last["cause"])

    run(scenario())


def test_a_life_begins_and_ends(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        session = Session(config)
        await session.start()
        await session.stop()
        file = JournalFile(config.state_dir / "journal")
        file.open()
        assert [entry.event["event"] for entry in file.read(0, 9)] == ["started", "stopped"]

    run(scenario())
