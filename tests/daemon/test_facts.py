"""What is so of a torrent, as its record tells it to the next run."""

import random
from pathlib import Path

from tests.daemon.session_room import TIMEOUT_S, make_config, new_host, run, running, seed
from tests.wire.torrents import single_file
from torrentd.wire.store import resume

TORRENT = single_file(random.Random(4).randbytes(100_000), 16384, b"facts.bin")


def test_the_record_of_a_run_is_the_beginning_of_the_next(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = make_config(tmp_path, new_host())
        async with running(config) as session:
            infohash = await seed(session, TORRENT, tmp_path / "source")
            await session.pause(infohash)
            torrent = session._torrents[infohash]
            told = torrent.resume_state()
        recorded = resume.load(tmp_path / "state" / "torrents" / f"{infohash.hex()}.resume").state
        assert recorded is not None
        told.generation, told.stamps = recorded.generation, recorded.stamps  # of the disk
        assert recorded == told
        assert recorded.paused and recorded.have == b"\xfe" and recorded.names == ("facts.bin",)
        async with running(config) as session:
            await session.wake(infohash)
            torrent = session._torrents[infohash]
            assert torrent.state == "checking" or torrent.state == "paused"
            await session.resume(infohash)
            assert await session.wait(infohash, "done", TIMEOUT_S)
            assert (torrent.name, torrent.added_at) == ("facts.bin", told.added_at)
            assert torrent.lacking_bytes == 0 and not torrent.counters_changed()

    run(scenario())
