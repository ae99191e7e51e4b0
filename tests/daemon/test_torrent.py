"""The life of one torrent when its disk and its files misbehave (F3, F5, F7, F8)."""

import errno
import os
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

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
from torrentd.config.schema import Limits
from torrentd.daemon import free_space as free_space_module
from torrentd.daemon import record as record_module
from torrentd.daemon import session as session_module
from torrentd.daemon import storage as storage_module
from torrentd.daemon.file_choice import FileChoice
from torrentd.daemon.free_space import Room
from torrentd.daemon.session import Session
from torrentd.daemon.status import AddRequest, Refused
from torrentd.daemon.torrent import Torrent
from torrentd.daemon.witness import Happening
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.store.options import TorrentOptions
from torrentd.wire.swarm.wish import Wish

KIB = 1024
TORRENT = single_file(random.Random(5).randbytes(300_000), 16 * KIB, b"data.bin")
SECOND = single_file(random.Random(6).randbytes(300_000), 16 * KIB, b"second.bin")
BIG = single_file(random.Random(7).randbytes(3_000_000), 16 * KIB, b"big.bin")


def failing(call: Callable[..., int], number: int, fails: Callable[[], bool]) -> Callable[..., int]:
    """A system call that fails while it should, for regular files alone."""

    def wrapped(descriptor: int, *arguments: object) -> int:
        if fails():
            raise OSError(number, os.strerror(number))
        return call(descriptor, *arguments)

    return wrapped


def the_torrent(session: Session, infohash: InfoHash) -> Torrent:
    return session._torrents[infohash]


class TestOptions:
    def test_limits_of_its_own_hold_at_once_and_after_a_restart(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                assert limits_of(session, infohash) == (0, 0)
                session.set_options(
                    infohash,
                    replace(
                        session.options(infohash),
                        download_bytes_per_s_max=7000,
                        upload_bytes_per_s_max=5000,
                    ),
                )
                assert limits_of(session, infohash) == (7000, 5000)
            async with running(config) as session:
                assert session.options(infohash).upload_bytes_per_s_max == 5000
                await session.wake(infohash)
                assert limits_of(session, infohash) == (7000, 5000)
                session.set_options(infohash, TorrentOptions())
                assert limits_of(session, infohash) == (0, 0)

        run(scenario())


THREE = multi_file(
    [File((b"%d.bin" % i,), random.Random(i).randbytes(90_000)) for i in range(3)], 16 * KIB, b"dir"
)


def done_files(session: Session, infohash: InfoHash) -> list[bool]:
    return [file.done_bytes == file.size_bytes for file in session.files(infohash)]


class AtTheFirstRequest:
    """Chooses other files in the moment in which pieces are asked for."""

    def __init__(self, session: Session, choice: FileChoice) -> None:
        self._session = session
        self._choice: FileChoice | None = choice

    def happened(self, happening: Happening) -> None:
        """Nothing else matters."""

    def looked_at(self, infohash: InfoHash) -> None:
        if self._choice is not None:
            choice, self._choice = self._choice, None
            self._session.choose_files(infohash, choice)


class TestFiles:
    def test_what_is_left_out_while_it_downloads_comes_whole_when_it_is_chosen_later(
        self, tmp_path: Path
    ) -> None:
        """The pieces at the boundaries belong to both."""

        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, THREE, tmp_path / "source")
                leecher.witnesses.attach(AtTheFirstRequest(leecher, FileChoice(skip=["1.bin"])))
                request = AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"])
                await leecher.add(request)
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                first_bytes = leecher.torrent(infohash).downloaded_bytes
                assert first_bytes < len(THREE.content)
                assert done_files(leecher, infohash) == [True, False, True]
                leecher.choose_files(infohash, FileChoice(also=["dir/1.*"]))
                assert leecher.torrent(infohash).state == "downloading"
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert leecher.torrent(infohash).downloaded_bytes == len(THREE.content)
                assert "so=" not in leecher.info(infohash).magnet

        run(scenario())
        assert is_complete(THREE, tmp_path / "b" / "downloads")

    def test_patterns_wait_for_the_names_over_a_restart(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host, config = new_host(), make_config(tmp_path / "b", new_host())
            async with running(make_config(tmp_path / "a", host)) as seeder:
                infohash = await seed(seeder, THREE, tmp_path / "source")
                async with running(config) as leecher:
                    await leecher.add(AddRequest(magnet=infohash.hex(), select=["2*", "0"]))
                    assert leecher.options(infohash).patterns == ("2*", "0")
                async with running(config) as leecher:
                    await leecher.add_peer(infohash, f"{host}:{PORT}")
                    assert await leecher.wait(infohash, "done", TIMEOUT_S)
                    assert done_files(leecher, infohash) == [True, False, True]
                    assert leecher.options(infohash).patterns == ()
                    assert "so=0,2" in leecher.info(infohash).magnet
                async with running(config) as leecher:
                    await leecher.wake(infohash)
                    wanted = [file.wanted for file in leecher.files(infohash)]
                    assert wanted == [True, False, True]

        run(scenario())

    def test_a_pattern_that_names_nothing_stops_it_until_something_is_chosen(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, THREE, tmp_path / "source")
                request = AddRequest(
                    magnet=infohash.hex(), select=["*.mkv"], peers=[f"{host}:{PORT}"]
                )
                await leecher.add(request)
                await until(lambda: leecher.torrent(infohash).state == "error")
                await until(lambda: the_torrent(leecher, infohash).opened)
                assert "no file of it is '*.mkv'" in (leecher.torrent(infohash).error or "")
                await leecher.resume(infohash)
                assert leecher.torrent(infohash).state == "error", "not all of it instead"
                assert leecher.torrent(infohash).peers_connected == 0
                leecher.choose_files(infohash, FileChoice(select=["1.bin"]))
                await leecher.resume(infohash)
                await leecher.add_peer(infohash, f"{host}:{PORT}")
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert done_files(leecher, infohash) == [False, True, False]

        run(scenario())

    def test_more_files_than_the_limit_are_refused_with_or_without_metadata(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            host = new_host()
            config = make_config(tmp_path / "b", new_host(), limits=Limits(files_max=2))
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(config) as leecher,
            ):
                infohash = await seed(seeder, THREE, tmp_path / "source")
                with pytest.raises(Refused, match=r"has 3 files, and limits\.files_max is 2"):
                    await leecher.add(AddRequest(metainfo=encode_metainfo(THREE.metadata)))
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                await until(lambda: leecher.torrent(infohash).state == "error")
                assert "has 3 files" in (leecher.torrent(infohash).error or "")

        run(scenario())

    def test_the_order_of_files_is_on_record_and_the_swarm_knows_it(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, THREE, tmp_path / "source")
                session.choose_files(infohash, FileChoice(high=["2"], low=["0-1"], sequential=True))
                session.choose_files(infohash, FileChoice(normal=["1"]))
            async with running(config) as session:
                await session.wake(infohash)
                assert the_torrent(session, infohash).swarm.wish == Wish(None, (2,), (0,), True)
                priorities = [file.priority for file in session.files(infohash)]
                assert priorities == ["low", "normal", "high"]

        run(scenario())


def limits_of(session: Session, infohash: InfoHash) -> tuple[int, int]:
    """What its meters say."""
    traffic = the_torrent(session, infohash).traffic
    meters = (traffic._intake.meter, traffic.swarm.upload_meter)
    return meters[0].limit_bytes_per_s, meters[1].limit_bytes_per_s


class TestFullDisk:
    def test_a_full_disk_is_an_error_that_heals_by_itself(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        full = [True]
        monkeypatch.setattr(storage_module, "RETRY_FIRST_S", 0.01)
        monkeypatch.setattr(os, "pwrite", failing(os.pwrite, errno.ENOSPC, lambda: full[0]))

        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, TORRENT, tmp_path / "source")
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                await until(lambda: leecher.torrent(infohash).state == "error")
                assert "the disk is full" in (leecher.torrent(infohash).error or "")
                assert "the disk is full" in leecher.status().warnings[0]
                assert leecher.torrent(infohash).peers_connected == 1, "peers are kept"
                assert leecher.torrent(infohash).done_bytes == 0, "nothing is claimed"
                full[0] = False
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert leecher.torrent(infohash).error is None
                assert leecher.torrent(infohash).wasted_bytes == 0

        run(scenario())
        assert is_complete(TORRENT, tmp_path / "b" / "downloads")


class TestNoRoom:
    def test_a_download_waits_for_room_with_its_peers_and_begins_by_itself(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """P11: nothing is written, nothing is gathered, and nobody is sent away."""
        monkeypatch.setattr(session_module, "LOOK_INTERVAL_S", 0.02)
        room = [Room(1, 10**6, 250_000)]
        monkeypatch.setattr(free_space_module, "look_at", lambda folder: room[0])

        async def scenario() -> None:
            host = new_host()
            limits = Limits(free_bytes_min=100_000, free_percent_min=0)
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host(), limits=limits)) as leecher,
            ):
                infohash = await seed(seeder, TORRENT, tmp_path / "source")
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                await until(lambda: leecher.torrent(infohash).state == "error")
                assert leecher.torrent(infohash).error == (
                    f"{tmp_path / 'b' / 'downloads'} has 244 KiB free, of which 97.7 KiB stay "
                    "free; the torrent needs 293 KiB"
                )
                assert leecher.torrent(infohash).error in leecher.status().warnings
                assert leecher.torrent(infohash).peers_connected == 1, "peers are kept"
                assert leecher.torrent(infohash).downloaded_bytes == 0
                room[0] = Room(1, 10**6, 500_000)
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert leecher.torrent(infohash).error is None

        run(scenario())
        assert is_complete(TORRENT, tmp_path / "b" / "downloads")

    def test_a_reserve_that_others_take_stops_a_download_in_the_middle(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session_module, "LOOK_INTERVAL_S", 0.01)
        room = [Room(1, 10**7, 10**7)]
        looked = threading.Event()
        write = os.pwrite

        def look(folder: Path) -> Room:
            looked.set()
            return room[0]

        def shrinking(descriptor: int, data: memoryview, offset: int) -> int:
            room[0] = Room(1, 10**7, 99_999)
            looked.clear()
            looked.wait(5)
            return write(descriptor, data, offset)

        monkeypatch.setattr(free_space_module, "look_at", look)
        monkeypatch.setattr(os, "pwrite", shrinking)

        async def scenario() -> None:
            host = new_host()
            limits = Limits(free_bytes_min=100_000, free_percent_min=0, requests_outstanding_max=1)
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host(), limits=limits)) as leecher,
            ):
                infohash = await seed(seeder, BIG, tmp_path / "source")
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                await until(lambda: leecher.torrent(infohash).state == "error")
                assert (leecher.torrent(infohash).error or "").endswith(
                    "has 97.7 KiB free, and 97.7 KiB stay free"
                )
                await until(lambda: leecher.torrent(infohash).done_bytes > 0)
                assert leecher.torrent(infohash).done_bytes < len(BIG.content)
                monkeypatch.setattr(os, "pwrite", write)
                room[0] = Room(1, 10**7, 10**7)
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert leecher.torrent(infohash).wasted_bytes == 0

        run(scenario())
        assert is_complete(BIG, tmp_path / "b" / "downloads")

    def test_two_torrents_on_one_disk_are_finished_one_after_the_other(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(session_module, "LOOK_INTERVAL_S", 0.02)
        room = [Room(1, 10**6, 500_000)]
        monkeypatch.setattr(free_space_module, "look_at", lambda folder: room[0])

        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                await session.add(AddRequest(metainfo=encode_metainfo(TORRENT.metadata)))
                await until(lambda: bool(session._services.free_space._promised))
                await session.add(AddRequest(metainfo=encode_metainfo(SECOND.metadata)))
                await until(lambda: session.torrent(SECOND.infohash).state == "error")
                assert session.torrent(TORRENT.infohash).state == "downloading"
                assert "beside the 293 KiB" in (session.torrent(SECOND.infohash).error or "")
                await session.pause(TORRENT.infohash)
                await until(lambda: session.torrent(SECOND.infohash).state == "downloading")
                await session.resume(TORRENT.infohash)
                await until(lambda: session.torrent(TORRENT.infohash).state == "error")

        run(scenario())


class TestFailedSync:
    def test_what_was_written_since_the_last_good_sync_is_fetched_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The kernel tells once that pages were lost, and then calls them clean."""
        failures = [1]
        monkeypatch.setattr(storage_module, "RETRY_FIRST_S", 0.01)
        monkeypatch.setattr(record_module, "SYNC_INTERVAL_S", 0.01)

        def fails() -> bool:
            failures[0] -= 1
            return failures[0] >= 0

        monkeypatch.setattr(os, "fdatasync", failing(os.fdatasync, errno.EIO, fails))  # type: ignore[arg-type]  # it returns None

        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                failures[0] = 0
                infohash = await seed(seeder, TORRENT, tmp_path / "source")
                failures[0] = 1
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                torrent = the_torrent(leecher, infohash)
                await until(lambda: failures[0] == 0 and not torrent.swarm.is_complete)
                await leecher.add_peer(infohash, f"{host}:{PORT}")
                await until(lambda: leecher.torrent(infohash).state == "seeding")
                assert leecher.torrent(infohash).downloaded_bytes > len(TORRENT.content)

        run(scenario())
        assert is_complete(TORRENT, tmp_path / "b" / "downloads")


class TestLostFiles:
    def test_a_file_that_vanished_under_a_seed_stops_it_after_three_reads(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, TORRENT, tmp_path / "source")
                os.truncate(tmp_path / "source" / "data.bin", 0)
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                await until(lambda: seeder.torrent(infohash).state == "error")
                assert "shorter" in (seeder.torrent(infohash).error or "")
                assert "verify" in (seeder.torrent(infohash).error or "")
                await seeder.verify(infohash)
                await until(lambda: seeder.torrent(infohash).state == "downloading")
                assert seeder.torrent(infohash).done_bytes == 0

        run(scenario())

    def test_data_that_is_gone_at_a_start_is_not_downloaded_into_an_empty_folder(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
            (tmp_path / "source" / "data.bin").rename(tmp_path / "elsewhere")
            async with running(config) as session:
                await until(lambda: session.torrent(infohash).state == "error")
                assert "gone" in (session.torrent(infohash).error or "")
                (tmp_path / "elsewhere").rename(tmp_path / "source" / "data.bin")
                await session.resume(infohash)
                await until(lambda: session.torrent(infohash).state == "seeding")

        run(scenario())


class TestRecord:
    def test_without_its_metadata_a_torrent_is_a_magnet_again(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            config = make_config(tmp_path / "b", new_host())
            async with running(make_config(tmp_path / "a", host)) as seeder:
                infohash = await seed(seeder, TORRENT, tmp_path / "source")
                async with running(config) as session:
                    await session.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                    assert await session.wait(infohash, "done", TIMEOUT_S)
                (config.state_dir / "torrents" / f"{infohash.hex()}.metadata").write_bytes(b"?")
                async with running(config) as session:
                    await session.wake(infohash)
                    assert session.torrent(infohash).state == "metadata"
                    await session.add_peer(infohash, f"{host}:{PORT}")
                    assert await session.wait(infohash, "done", TIMEOUT_S)
                    assert session.torrent(infohash).downloaded_bytes == len(TORRENT.content)

        run(scenario())

    def test_a_damaged_record_falls_back_to_the_one_before_and_is_checked(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                await session.pause(infohash)
                await session.resume(infohash)
            path = config.state_dir / "torrents" / f"{infohash.hex()}.resume"
            path.write_bytes(path.read_bytes()[:-1])
            async with running(config) as session:
                assert await session.wait(infohash, "done", TIMEOUT_S)
            names = os.listdir(config.state_dir / "torrents")
            assert any(".bad-" in name for name in names)

        run(scenario())

    def test_counters_go_on_where_they_were(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            config = make_config(tmp_path / "a", host)
            async with running(config) as seeder:
                infohash = await seed(seeder, TORRENT, tmp_path / "source")
                async with running(make_config(tmp_path / "b", new_host())) as leecher:
                    await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                    assert await leecher.wait(infohash, "done", TIMEOUT_S)
                await until(lambda: seeder.torrent(infohash).uploaded_bytes == len(TORRENT.content))
            async with running(config) as seeder:
                assert seeder.torrent(infohash).uploaded_bytes == len(TORRENT.content)

        run(scenario())
