"""A magnet's metadata comes, and nothing of it stays."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.daemon.session_room import PORT, make_config, new_host, run, running, seed, until
from tests.wire.torrents import single_file
from torrentd.daemon.status import AddRequest, Refused
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import decode_metainfo

TORRENT = single_file(random.Random(3).randbytes(100_000), 16384, b"resolved.bin")


def magnet_of(infohash: InfoHash, host: str) -> str:
    return f"magnet:?xt=urn:btih:{infohash.hex()}&x.pe={host}:{PORT}"


def test_it_is_fetched_and_kept_by_nobody(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = new_host()
        async with (
            running(make_config(tmp_path / "a", host)) as seeder,
            running(make_config(tmp_path / "b", new_host())) as other,
        ):
            infohash = await seed(seeder, TORRENT, tmp_path / "source")
            magnet = magnet_of(infohash, host)
            found = await asyncio.gather(*(other.resolve(magnet, 20) for _ in range(3)))
            for data in found:
                assert decode_metainfo(data).metadata == TORRENT.metadata
            assert other.torrents() == [] and other._resolving.traffics == {}
            assert list((tmp_path / "b" / "state" / "torrents").iterdir()) == []
            await until(lambda: seeder.torrent(infohash).peers_connected == 0)
            assert await seeder.resolve(infohash.hex(), 0.0) == found[0], "it is here"

    run(scenario())


def test_two_daemons_find_each_other_for_it_by_their_dht(tmp_path: Path) -> None:
    async def scenario() -> None:
        hosts = [new_host(), new_host()]
        ours, theirs = (
            make_config(tmp_path / str(i), hosts[i], bootstrap=(f"{hosts[1 - i]}:{PORT}",))
            for i in range(2)
        )
        async with running(ours) as seeder, running(theirs) as other:
            infohash = await seed(seeder, TORRENT, tmp_path / "source")
            assert decode_metainfo(await other.resolve(infohash.hex(), 20)).infohash == infohash

    run(scenario())


def test_whoever_waits_in_vain_hears_why_and_the_others_wait_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = new_host()
        async with (
            running(make_config(tmp_path / "a", host)) as seeder,
            running(make_config(tmp_path / "b", new_host())) as other,
        ):
            infohash = await seed(seeder, TORRENT, tmp_path / "source")
            patient = asyncio.ensure_future(other.resolve(infohash.hex(), 20))
            await asyncio.sleep(0)
            with pytest.raises(Refused, match="no peer was found within 0 s"):
                await other.resolve(infohash.hex(), 0)
            assert len(other._resolving.traffics) == 1
            await other.resolve(magnet_of(infohash, host), 20)
            assert decode_metainfo(await patient).infohash == infohash
            for wrong in ("magnet:?xt=x", "nonsense"):
                with pytest.raises(Refused):
                    await other.resolve(wrong, 1)

    run(scenario())


def test_an_add_in_the_meantime_is_a_torrent_of_its_own(tmp_path: Path) -> None:
    async def scenario() -> None:
        host = new_host()
        async with (
            running(make_config(tmp_path / "a", host)) as seeder,
            running(make_config(tmp_path / "b", new_host())) as other,
        ):
            infohash = await seed(seeder, TORRENT, tmp_path / "source")
            patient = asyncio.ensure_future(other.resolve(infohash.hex(), 20))
            await asyncio.sleep(0)
            await other.add(AddRequest(magnet=magnet_of(infohash, host)))
            assert await other.wait(infohash, "done", 20)
            patient.cancel()
            await asyncio.wait([patient])
            assert other._resolving.traffics == {}
            assert other.torrent(infohash).state == "seeding"

    run(scenario())


def test_the_end_of_the_daemon_ends_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            patient = asyncio.ensure_future(session.resolve("ab" * 20, 20))
            await asyncio.sleep(0)
        with pytest.raises((Refused, asyncio.CancelledError)):
            await patient

    run(scenario())
