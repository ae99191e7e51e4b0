"""What is wanted of a torrent is what its meters, its swarm and its magnet say."""

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.session_room import make_config, new_host, run, running, seed
from tests.wire.torrents import File, multi_file
from torrentd.daemon.file_choice import FileChoice

TORRENT = multi_file(
    [File((b"a",), random.Random(1).randbytes(50_000)), File((b"b",), b"b")], 16384
)


def test_a_change_is_one_change_to_the_swarm_and_none_is_none(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            infohash = await seed(session, TORRENT, tmp_path / "source")
            swarm = session._torrents[infohash].swarm
            before = swarm.wish
            session.set_options(infohash, replace(session.options(infohash), labels=("x",)))
            assert swarm.wish is before
            session.choose_files(infohash, FileChoice(select=["a"], low=["b"]))
            assert (swarm.wish.files, swarm.wish.low) == ((0,), (1,))
            assert "so=0" in session.info(infohash).magnet
            assert session.torrent(infohash).labels == ["x"]

    run(scenario())


def test_the_ratio_counts_what_was_there_as_downloaded(tmp_path: Path) -> None:
    """Data that was adopted has no download; its size stands in for that."""

    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            infohash = await seed(session, TORRENT, tmp_path / "source")
            torrent = session._torrents[infohash]
            torrent.swarm.uploaded_bytes = 2 * len(TORRENT.content)
            measured = torrent.measured(torrent._state.done_at + 60.0)
            assert measured == {"ratio": 2.0, "seeding": 60.0, "uploaded": 100_002}

    run(scenario())


def test_what_it_was_paused_is_not_time_that_it_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(tmp_path, new_host())
    clock = time.time()
    monkeypatch.setattr(time, "time", lambda: clock)

    async def scenario() -> None:
        nonlocal clock
        async with running(config) as session:
            infohash = await seed(session, TORRENT, tmp_path / "source")
            clock += 1000
            await session.pause(infohash)
            await session.pause(infohash)
            clock += 50_000
        async with running(config) as session:
            assert session.torrent(infohash).paused_at == int(clock) - 50_000
            await session.resume(infohash)
            clock += 500
            torrent = session._torrents[infohash]
            assert torrent.measured(float(int(clock)))["seeding"] == 1500
            assert session.torrent(infohash).paused_at == 0
            await session.pause(infohash)
            clock -= 7000  # the clock is set back
            await session.resume(infohash)
            assert torrent.measured(float(int(clock) + 7000))["seeding"] == 1500

    run(scenario())
