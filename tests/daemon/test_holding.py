"""What a torrent holds: opened, called off, opened again; its paths are its own."""

import threading
from pathlib import Path

import pytest

from tests.daemon.session_room import (
    TIMEOUT_S,
    lay_out,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import single_file
from torrentd.daemon import holding as holding_module
from torrentd.daemon.holding import root_name
from torrentd.daemon.opening import run_check
from torrentd.daemon.status import AddRequest
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.store.paths import safe_names
from torrentd.wire.store.verify import Check

TORRENT = single_file(bytes(range(250)) * 100, 1000, b"data.bin")


class TestOpening:
    def test_a_torrent_paused_and_resumed_while_it_is_checked_is_opened_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go_on = threading.Event()
        checks = []

        def slow_check(what: Check) -> str | None:
            checks.append(what)
            go_on.wait(5)
            return run_check(what)

        monkeypatch.setattr(holding_module, "run_check", slow_check)

        async def scenario() -> None:
            lay_out(TORRENT, tmp_path / "downloads")
            async with running(make_config(tmp_path, new_host())) as session:
                await session.add(AddRequest(metainfo=encode_metainfo(TORRENT.metadata)))
                infohash = TORRENT.infohash
                await until(lambda: len(checks) == holding_module.CHECK_THREADS)
                assert session.torrent(infohash).state == "checking"
                await session.pause(infohash)
                await session.resume(infohash)
                go_on.set()
                assert await session.wait(infohash, "done", TIMEOUT_S)
                assert len(set(checks)) == 1

        run(scenario())

    def test_a_stop_in_the_middle_of_a_check_is_quick_and_loses_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started = threading.Event()

        def endless_check(what: Check) -> str | None:
            started.set()
            while not what._stopped:
                pass
            return run_check(what)

        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                await seed(session, TORRENT, tmp_path / "source")
                monkeypatch.setattr(holding_module, "run_check", endless_check)
                await session.verify(TORRENT.infohash)
                await until(started.is_set)
            monkeypatch.setattr(holding_module, "run_check", run_check)
            async with running(config) as session:
                assert await session.wait(TORRENT.infohash, "done", TIMEOUT_S)

        run(scenario())

    def test_an_opening_that_was_called_off_has_no_say(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                await seed(session, TORRENT, tmp_path / "source")
                holding = session._torrents[TORRENT.infohash].holding
                first = holding.open(TORRENT.info)
                first.send(None)  # as far as the thread
                holding.forget_pieces(TORRENT.info.geometry.piece_count)
                found = await holding.open(TORRENT.info)
                assert isinstance(found, Bitfield) and found.all()
                first.close()

        run(scenario())


class TestPaths:
    def test_a_torrent_on_record_keeps_its_paths_whoever_is_loaded_first(
        self, tmp_path: Path
    ) -> None:
        other = single_file(TORRENT.content[::-1], 1000, b"data.bin")
        assert TORRENT.infohash > other.infohash, "which is loaded first"

        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "downloads")
                await session.add(AddRequest(metainfo=encode_metainfo(other.metadata)))
                await until(lambda: session.torrent(other.infohash).state == "error")
            async with running(config) as session:
                assert await session.wait(infohash, "done", TIMEOUT_S)
                await until(lambda: session.torrent(other.infohash).state == "error")

        run(scenario())

    @pytest.mark.parametrize("name", [b"data.bin", b"..", b"a/b", b"\xff", b"x" * 300])
    def test_the_root_is_where_every_path_begins(self, name: bytes) -> None:
        torrent = single_file(b"x", name=name)
        first = safe_names(torrent.info, torrent.infohash)[0].partition("/")[0]
        assert root_name(torrent.info, torrent.infohash) == first
