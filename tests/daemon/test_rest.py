"""Torrents at rest: what they cost, what wakes them, and that they claim no more than is there."""

import asyncio
import gc
import sys
import time
import tracemalloc
from pathlib import Path
from types import FrameType

from tests.daemon.session_room import (
    PORT,
    TIMEOUT_S,
    is_complete,
    make_config,
    new_host,
    run,
    running,
    seed,
    turn,
    until,
)
from tests.daemon.shelf_room import put_on_record, shelve
from tests.wire.torrents import Torrent, single_file
from torrentd.daemon.control_lines import encode_result
from torrentd.daemon.session import Session
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.status import AddRequest
from torrentd.dht.outputs import ScrapeEnded
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store import resume

KIB = 1024
TORRENT = single_file(bytes(range(250)) * 400, 16 * KIB, b"rest.bin")


def resting(session: Session) -> set[InfoHash]:
    return set(session._rest.torrents)


async def seeding(session: Session) -> None:
    await until(lambda: all(each.state == "seeding" for each in session.torrents()))


async def lie_down(session: Session, infohash: InfoHash) -> None:
    """What is not on record yet goes there at once."""
    while infohash not in resting(session):
        await session._torrents[infohash].holding.record.flush()
        session._lay_down()
        await turn()


class TestLyingDown:
    def test_a_seed_that_nobody_visits_lies_down_and_tells_the_same(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                before = session.torrent(infohash)
                await lie_down(session, infohash)
                assert session.torrent(infohash) == before
                assert session.torrents() == [before]
                assert session.find("rest.bin") == infohash
                assert session.select("state:seeding") == [infohash]
                assert session.why([infohash])[0].cause == "complete"
                assert await session.wait(infohash, "done", TIMEOUT_S)
                assert session.torrent_count() == 1
                assert infohash in resting(session)

        run(scenario())

    def test_who_has_a_peer_or_lacks_a_piece_stays_awake(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            seeding, leeching = (make_config(tmp_path / n, h) for n, h in
                                 (("a", host), ("b", new_host())))  # fmt: skip
            async with running(seeding) as seeder, running(leeching) as leecher:
                infohash = await seed(seeder, TORRENT, tmp_path / "source")
                magnet = f"magnet:?xt=urn:btih:{infohash.hex()}&x.pe={host}:{PORT}"
                await leecher.add(AddRequest(magnet=magnet))
                await until(lambda: bool(seeder.peers(infohash)))
                seeder._lay_down()
                leecher._lay_down()
                assert not resting(seeder)
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                await lie_down(leecher, infohash)
                await lie_down(seeder, infohash)
                assert seeder.torrent(infohash).uploaded_bytes >= len(TORRENT.content)
            record = resume.load(StateDir(seeding.state_dir).resume_path(infohash)).state
            assert record is not None and record.uploaded_bytes >= len(TORRENT.content)

        run(scenario())

    def test_a_peer_that_the_user_named_is_tried_for_ever(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                await lie_down(session, infohash)
                await session.add_peer(infohash, f"{new_host()}:{PORT}")
                swarm = session._torrents[infohash].swarm
                await until(lambda: not swarm._company.dialing and bool(swarm.peers_known))
                await session._torrents[infohash].holding.record.flush()
                session._lay_down()
                assert not resting(session)
                await session.pause(infohash)
                await lie_down(session, infohash)

        run(scenario())

    def test_one_that_is_paused_rests_paused(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                await session.pause(infohash)
                await lie_down(session, infohash)
                assert session.torrent(infohash).state == "paused"
            async with running(config) as session:
                assert infohash in resting(session)
                assert session.torrent(infohash).state == "paused"
                await session.resume(infohash)
                await seeding(session)
                assert not resting(session)

        run(scenario())


class TestListing:
    def test_what_was_written_before_is_what_would_be_written_now(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            (torrent, *_) = shelve(config, 3)
            async with running(config) as session:
                session.listed()  # while they are being checked
                await seeding(session)
                await session.wake(torrent.infohash)
                for _ in range(2):
                    listed = b"".join(encode_result(1, {"torrents": session.listed()}))
                    assert listed == b"".join(encode_result(1, {"torrents": session.torrents()}))
                first, again = session.listed(), session.listed()
                kept = [one is other for one, other in zip(first, again, strict=True)]
                assert kept.count(True) == 2
                counted = ScrapeEnded(torrent.infohash, seeds=7, peers=3, nodes=8)
                for infohash in resting(session):
                    session._services.discovery._swarms[infohash] = (0.0, counted)
                listed = b"".join(encode_result(1, {"torrents": session.listed()}))
                assert listed.count(b'"swarm_seeds":7') == 2

        run(scenario())


class TestWaking:
    def test_a_peer_that_comes_wakes_it_and_gets_every_byte(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            config = make_config(tmp_path / "a", host)
            (torrent, *_) = shelve(config, 3)
            leeching = make_config(tmp_path / "b", new_host())
            async with running(config) as session, running(leeching) as leecher:
                await seeding(session)
                assert len(resting(session)) == 3
                magnet = torrent.infohash.hex()
                await leecher.add(AddRequest(magnet=magnet, peers=[f"{host}:{PORT}"]))
                assert await leecher.wait(torrent.infohash, "done", TIMEOUT_S)
                assert len(resting(session)) == 2
                assert is_complete(torrent, leeching.download_dir)

        run(scenario())

    def test_peers_that_the_dht_names_wake_it(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path / "a", new_host())
            (torrent,) = shelve(config, 1)
            host = new_host()
            leeching = make_config(tmp_path / "b", host)
            async with running(config) as session, running(leeching) as leecher:
                await leecher.add(AddRequest(magnet=torrent.infohash.hex()))
                await seeding(session)
                address = leecher._doors.addresses[0]
                session._peers_found(torrent.infohash, [address])
                assert await leecher.wait(torrent.infohash, "done", TIMEOUT_S)

        run(scenario())

    def test_commands_wake_it(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            (torrent, other) = shelve(config, 2)
            async with running(config) as session:
                await seeding(session)
                await session.wake(torrent.infohash)
                assert session.metainfo(torrent.infohash)
                assert session.info(torrent.infohash).piece_count == 3
                assert session.pieces(torrent.infohash).have == "e0"
                (file,) = session.files(torrent.infohash)
                assert file.done_bytes == file.size_bytes == 40_000
                await session.remove(other.infohash, fate="deleted")
                assert session.torrent_count() == 1
                assert not (config.download_dir / "shelf-1.bin").exists()

        run(scenario())

    def test_many_who_wake_it_at_once_wake_one(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            (torrent,) = shelve(config, 1)
            async with running(config) as session:
                await seeding(session)
                await asyncio.gather(*(session.wake(torrent.infohash) for _ in range(5)))
                awake = session._torrents[torrent.infohash]
                await session.wake(torrent.infohash)
                assert session._torrents[torrent.infohash] is awake

        run(scenario())


class TestClaims:
    """F1, F2: what a restart claims is what the stamps of the files say."""

    def test_a_file_that_was_touched_is_checked(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            (torrent, other) = shelve(config, 2)
            path = config.download_dir / "shelf-0.bin"
            path.write_bytes(b"x" + path.read_bytes()[1:])
            async with running(config) as session:
                await until(lambda: session.torrent(torrent.infohash).state == "downloading")
                assert session.torrent(torrent.infohash).done_bytes == 40_000 - 16 * KIB
                assert resting(session) == {other.infohash}

        run(scenario())

    def test_a_file_that_is_gone_is_no_download(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            (torrent,) = shelve(config, 1)
            (config.download_dir / "shelf-0.bin").unlink()
            async with running(config) as session:
                await until(lambda: session.torrent(torrent.infohash).state == "error")
                assert "is gone" in (session.torrent(torrent.infohash).error or "")

        run(scenario())

    def test_one_that_changed_while_it_rested_is_checked_when_it_wakes(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            (torrent,) = shelve(config, 1)
            async with running(config) as session:
                await seeding(session)
                (config.download_dir / "shelf-0.bin").write_bytes(b"other" * 8000)
                await session.wake(torrent.infohash)
                await until(lambda: session.torrent(torrent.infohash).state == "downloading")
                assert session.torrent(torrent.infohash).done_bytes == 0

        run(scenario())

    def test_two_that_have_the_same_files_do_not_both_seed(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            (first,) = shelve(config, 1)
            second = single_file(first.content, 32 * KIB, b"shelf-0.bin")
            state = StateDir(config.state_dir)
            put_on_record(state, second, config.download_dir, "shelf-0.bin")
            async with running(config) as session:
                await until(lambda: "error" in (each.state for each in session.torrents()))
                await until(lambda: "seeding" in (each.state for each in session.torrents()))

        run(scenario())

    def test_metadata_that_is_damaged_is_found_before_it_is_announced(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            (torrent, other) = shelve(config, 2)
            path = config.state_dir / "torrents" / f"{torrent.infohash.hex()}.metadata"
            path.write_bytes(b"?")
            async with running(config) as session:
                await seeding(session)
                for hours in range(1, 5):
                    session._rest._announce(time.monotonic() + hours * 3600.0)
                await until(lambda: session.torrent(torrent.infohash).state == "metadata")
                await until(lambda: session._rest.torrents[other.infohash].proven)

        run(scenario())


class Shelved:
    """A session with so many torrents at rest, under asyncio's own loop, which shows its timers."""

    def __init__(self, directory: Path, count: int, size_bytes: int = 40_000) -> None:
        self.config = make_config(directory / str(count), new_host())
        self.torrents: list[Torrent] = shelve(self.config, count, size_bytes)
        self.count = count


def figures(shelved: Shelved) -> tuple[int, int, int, float]:
    """Tasks, timers, calls of Python functions in a round of all that recurs; bytes a torrent."""

    async def scenario() -> tuple[int, int, int, float]:
        gc.collect()
        tracemalloc.start()
        session = Session(shelved.config, seed=1)
        await session.start()
        try:
            await seeding(session)
            assert len(resting(session)) == shelved.count
            await until(
                lambda: not session._disk.workers_for(shelved.config.download_dir).unfinished
            )
            gc.collect()
            size_bytes, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            tasks = len(asyncio.all_tasks())
            scheduled = getattr(asyncio.get_running_loop(), "_scheduled")  # noqa: B009  # not typed
            timers = len([handle for handle in scheduled if not handle.cancelled()])
            return tasks, timers, calls_of_a_round(session), float(size_bytes)
        finally:
            await session.stop()

    return asyncio.run(scenario())


def calls_of_a_round(session: Session) -> int:
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call"

    now = time.monotonic()
    sys.setprofile(count)
    try:
        session._lay_down()
        session._services.free_space.look_at_all()
        session._save_counters()
        session._rest._announce(now)
        session.status()
    finally:
        sys.setprofile(None)
    return calls


class TestCost:
    """Nothing is done per torrent per tick, and nothing that grows with a torrent is kept."""

    def test_tasks_timers_and_work_do_not_grow_with_the_number(self, tmp_path: Path) -> None:
        few, many = (figures(Shelved(tmp_path, count)) for count in (3, 300))
        for small, large in zip(few[:3], many[:3], strict=True):
            assert large <= small + 10  # what ends just now, not three hundred

    def test_a_torrent_costs_two_kib_however_large_it_is(self, tmp_path: Path) -> None:
        figures(Shelved(tmp_path, 1))  # what is there once, whatever the number
        few, many = (figures(Shelved(tmp_path, count))[3] for count in (2, 202))
        each = (many - few) / 200
        assert each <= 3 * KIB
        large, larger = (
            figures(Shelved(tmp_path / "large", count, 1_000_000))[3] for count in (2, 42)
        )
        assert (larger - large) / 40 <= each + KIB  # with 3 KiB more of hashes and metadata


def test_without_the_seam_it_would_not_be_quiet(tmp_path: Path) -> None:
    """The counters above do count: a torrent that is awake adds to each of them."""

    async def scenario() -> None:
        shelved = Shelved(tmp_path, 20)
        session = Session(shelved.config, seed=1)
        await session.start()
        try:
            await seeding(session)
            before = calls_of_a_round(session)
            for torrent in shelved.torrents:
                await session.wake(torrent.infohash)
            assert calls_of_a_round(session) > 2 * before
        finally:
            await session.stop()

    asyncio.run(scenario())
