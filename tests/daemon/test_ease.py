"""daemon/ease.py: a torrent lies down only when all that is so of it is on record."""

from pathlib import Path

from tests.daemon.session_room import make_config, new_host, run, running, seed
from tests.wire.torrents import single_file
from torrentd.daemon.session import Session
from torrentd.wire.formats.ids import InfoHash

TORRENT = single_file(bytes(range(250)) * 200, 16384, b"ease.bin")
LATER = 1e9


async def settled(session: Session, infohash: InfoHash) -> None:
    while not session._torrents[infohash].may_rest(LATER):
        await session._torrents[infohash].holding.record.flush()


def test_it_may_not_rest_before_what_is_new_is_on_record(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            infohash = await seed(session, TORRENT, tmp_path / "source")
            await settled(session, infohash)
            torrent = session._torrents[infohash]
            torrent.swarm.uploaded_bytes += 5
            assert not torrent.may_rest(LATER)
            await torrent.holding.record.flush()
            assert torrent.may_rest(LATER)
            recorded = torrent.holding.record.recorded
            assert recorded is not None and recorded.uploaded_bytes == 5
            assert recorded.complete_bytes == len(TORRENT.content)

    run(scenario())


def test_it_may_not_rest_while_somebody_waits_for_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            infohash = await seed(session, TORRENT, tmp_path / "source")
            await settled(session, infohash)
            torrent = session._torrents[infohash]
            torrent._waiters.add("done")
            assert not torrent.may_rest(LATER)

    run(scenario())


def test_what_it_remembers_of_who_took_much_is_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            infohash = await seed(session, TORRENT, tmp_path / "source")
            await settled(session, infohash)
            torrent = session._torrents[infohash]
            assert torrent.swarm.quota is not None
            torrent.swarm.quota.sent(b"taker", 10**6, 1.0)
            session._lay_down()
            await session.wake(infohash)
            awake = session._torrents[infohash]
            assert awake is not torrent
            assert awake.swarm.quota is not None and awake.swarm.quota.is_spent(b"taker", 2.0)

    run(scenario())
