"""Sessions on loopback: a magnet becomes a file, and nothing that was had is ever lost."""

import random
import socket
import time
from pathlib import Path

import pytest

from tests.daemon.session_room import (
    PORT,
    TIMEOUT_S,
    is_complete,
    make_config,
    new_host,
    new_port,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import File, assorted, multi_file, single_file
from torrentd.config.schema import Config, Limits
from torrentd.daemon.session import Session
from torrentd.daemon.state_dir import StateLocked
from torrentd.daemon.status import AddRequest
from torrentd.wire.formats.address import Address

KIB = 1024
LARGE = single_file(random.Random(1).randbytes(3_000_000), 64 * KIB, b"large.bin")
SMALL = single_file(random.Random(2).randbytes(100_000), 16 * KIB, b"small.bin")


def pair(directory: Path, host: str | None = None) -> tuple[Config, Config]:
    """Two daemons who are each other's bootstrap node."""
    hosts = (host, host) if host is not None else (new_host(), new_host())
    ports = (new_port(), new_port()) if host is not None else (PORT, PORT)
    texts = [str(Address(*both)) for both in zip(hosts, ports, strict=True)]
    first, second = (
        make_config(directory / str(i), hosts[i], port=ports[i], bootstrap=(texts[1 - i],))
        for i in range(2)
    )
    return first, second


class TestFromMagnetToFile:
    @pytest.mark.parametrize("host", [None, "::1"], ids=["ipv4", "ipv6"])
    def test_two_sessions_find_each_other_over_their_own_dht(
        self, host: str | None, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            seeding, leeching = pair(tmp_path, host)
            async with running(seeding) as seeder, running(leeching) as leecher:
                infohash = await seed(seeder, LARGE, tmp_path / "source")
                await leecher.add(AddRequest(magnet=infohash.hex()))
                assert await leecher.wait(infohash, "metadata", TIMEOUT_S)
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert leecher.torrent(infohash).state == "seeding"
                assert leecher.torrent(infohash).name == "large.bin"
                await until(lambda: seeder.torrent(infohash).uploaded_bytes >= len(LARGE.content))

        run(scenario())
        assert is_complete(LARGE, tmp_path / "1" / "downloads")

    def test_a_peer_named_in_the_magnet_is_enough(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            torrent = assorted()
            host = new_host()
            seeding = make_config(tmp_path / "a", host)
            leeching = make_config(tmp_path / "b", new_host())
            async with running(seeding) as seeder, running(leeching) as leecher:
                infohash = await seed(seeder, torrent, tmp_path / "source")
                magnet = f"magnet:?xt=urn:btih:{infohash.hex()}&x.pe={host}:{PORT}"
                await leecher.add(AddRequest(magnet=magnet))
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert [file.done_bytes == file.size_bytes for file in leecher.files(infohash)]
            assert is_complete(torrent, tmp_path / "b" / "downloads")

        run(scenario())

    def test_metadata_so_large_that_a_thread_decodes_it_comes_by_magnet_too(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            torrent = single_file(bytes(14_000), 1, b"fine.bin")
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, torrent, tmp_path / "source")
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                assert await leecher.wait(infohash, "metadata", TIMEOUT_S)
                assert leecher.torrent(infohash).name == "fine.bin"

        run(scenario())

    def test_only_the_files_selected_are_downloaded(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            from_rng = random.Random(3)
            files = [from_rng.randbytes(40_000) for _ in range(3)]
            named = [File((b"file %d" % i,), content) for i, content in enumerate(files)]
            torrent = multi_file(named, 8 * KIB, b"three")
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, torrent, tmp_path / "source")
                await leecher.add(
                    AddRequest(magnet=infohash.hex(), select=["2"], peers=[f"{host}:{PORT}"])
                )
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                statuses = leecher.files(infohash)
                assert [status.wanted for status in statuses] == [False, False, True]
                assert statuses[0].done_bytes == 0
            downloads = tmp_path / "b" / "downloads" / "three"
            assert (downloads / "file 2").read_bytes() == files[2]
            assert not (downloads / "file 0").exists()

        run(scenario())


class TestLife:
    def test_a_restart_begins_where_the_last_run_ended(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, LARGE, tmp_path / "source")
                before = session.torrent(infohash)
            async with running(config) as session:
                assert await session.wait(infohash, "done", TIMEOUT_S)
                after = session.torrent(infohash)
                assert (after.name, after.added_at, after.done_bytes) == (
                    before.name,
                    before.added_at,
                    before.done_bytes,
                )

        run(scenario())

    def test_paused_torrents_stay_paused_and_without_peers(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            config = make_config(tmp_path / "b", new_host())
            async with running(make_config(tmp_path / "a", host)) as seeder:
                infohash = await seed(seeder, SMALL, tmp_path / "source")
                request = AddRequest(magnet=infohash.hex(), paused=True, peers=[f"{host}:{PORT}"])
                async with running(config) as session:
                    await session.add(request)
                    assert session.torrent(infohash).state == "paused"
                async with running(config) as session:
                    assert session.torrent(infohash).state == "paused"
                    await session.resume(infohash)
                    await session.add_peer(infohash, f"{host}:{PORT}")
                    assert await session.wait(infohash, "done", TIMEOUT_S)
                    await session.pause(infohash)
                    assert session.torrent(infohash).state == "paused"
                    assert session.peers(infohash) == []

        run(scenario())

    def test_a_second_daemon_in_the_same_folder_is_refused(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())):
                second = Session(make_config(tmp_path, new_host()))
                with pytest.raises(StateLocked):
                    await second.start()

        run(scenario())

    def test_an_address_that_the_machine_does_not_have_yet_is_waited_for(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, "203.0.113.77")) as session:
                status = session.status()
                assert status.listen_addresses == []
                assert "cannot listen on 203.0.113.77:6881" in status.warnings[0]

        run(scenario())

    def test_an_address_that_is_taken_keeps_the_daemon_from_starting(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            with socket.create_server((host, PORT)):
                session = Session(make_config(tmp_path, host))
                with pytest.raises(OSError, match="cannot listen on"):
                    await session.start()
            async with running(make_config(tmp_path, new_host())):
                pass  # the lock was given back

        run(scenario())


class TestClock:
    @pytest.mark.parametrize("jump_s", [-365 * 86400.0, -3600.0, 3600.0, 10 * 365 * 86400.0])
    def test_a_wall_clock_that_jumps_disturbs_nobody(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_s: float
    ) -> None:
        """T41: set by hand or by NTP in the middle of a download (F12)."""
        ahead_s, wall, wall_ns = 0.0, time.time, time.time_ns
        monkeypatch.setattr(time, "time", lambda: wall() + ahead_s)
        monkeypatch.setattr(time, "time_ns", lambda: wall_ns() + int(ahead_s * 1e9))

        async def scenario() -> None:
            nonlocal ahead_s
            ours, theirs = pair(tmp_path)
            async with running(ours) as seeder, running(theirs) as leecher:
                infohash = await seed(seeder, LARGE, tmp_path / "source")
                peer = f"{ours.listen.addresses[0]}:{PORT}"
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[peer]))
                traffic = leecher._torrents[infohash].traffic
                await until(lambda: bool(traffic.links))
                links = list(traffic.links)
                ahead_s = jump_s
                assert await leecher.wait(infohash, "metadata", TIMEOUT_S)
                assert list(traffic.links) == links, "nobody was dropped"
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert leecher.torrent(infohash).wasted_bytes == 0
                assert 0 <= leecher.torrent(infohash).download_rate_bytes_per_s < 10**9

        run(scenario())


class TestReconfigure:
    def test_limits_change_at_once(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            config = make_config(tmp_path, host)
            async with running(config) as session:
                limits = Limits(connections_max=7)
                session.reconfigure(make_config(tmp_path, host, limits=limits))
                assert session._admission.connections_max == 7
                session.reconfigure(config)
                assert session._admission.connections_max != 7

        run(scenario())


class TestStatus:
    def test_the_daemon_tells_about_itself(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            async with running(make_config(tmp_path, host, bootstrap=())) as session:
                status = session.status()
                assert status.listen_addresses == [f"{host}:{PORT}"]
                assert status.dht.enabled and status.dht.nodes_good == 0
                assert status.warnings == []

        run(scenario())
