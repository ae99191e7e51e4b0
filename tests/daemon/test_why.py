"""Why nothing moves: every cause is produced and named rightly."""

import asyncio
import errno
import os
import random
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.fake_session import make_dht, make_torrent
from tests.daemon.session_room import PORT, make_config, new_host, run, running, seed, until
from tests.wire.torrents import single_file
from torrentd.config.schema import Limits, Rates
from torrentd.daemon import free_space
from torrentd.daemon.free_space import Room
from torrentd.daemon.session import Session
from torrentd.daemon.status import AddRequest, DhtStatus, TorrentStatus
from torrentd.daemon.why import Case, Limit, Why, explain
from torrentd.dht.stats import SearchStats
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.store.options import TorrentOptions
from torrentd.wire.swarm.outlook import Outlook

WHOSE = {"own": "its own limit", "all": "the limit of all torrents", "schedule": "the schedule"}
BIG = single_file(random.Random(7).randbytes(6_000_000), 16 * 1024, b"big.bin")
SMALL = single_file(random.Random(6).randbytes(100_000), 16 * 1024, b"small.bin")
NOBODY = Outlook(0, 0, 0, 0, 0, 0, 0, lacking=40, sourceless=40, first_sourceless=0)
SEED = Outlook(9, 0, 3, 3, 2, 0, 0, lacking=40, sourceless=0, first_sourceless=None)
AT = int(time.mktime((2026, 11, 24, 19, 5, 7, 0, 0, -1)))
SEARCH = SearchStats("ab" * 20, waiting=False, queries=31, responses=25, peers=0)


def torrent(state: str = "downloading", rate: int = 0, **fields: object) -> TorrentStatus:
    made = make_torrent(0xC9E15763, "one")
    made.state = state  # type: ignore[assignment]  # a word of the table
    made.download_rate_bytes_per_s = rate
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("case", "cause", "sentence"),
    [
        (Case(torrent("error", error="disk full"), SEED, make_dht(), None), "error", "disk full"),
        (
            Case(torrent("error", error="/srv is full"), SEED, make_dht(), None, no_room=True),
            "no-room",
            "/srv is full",
        ),
        (Case(torrent("paused"), SEED, make_dht(), None), "paused", "it was paused by hand"),
        (
            Case(torrent("paused", paused_at=AT), SEED, make_dht(), None),
            "paused",
            "it was paused by hand on 2026-11-24 at 19:05:07",
        ),
        (
            Case(torrent("queued"), SEED, make_dht(), None),
            "queued",
            "it waits for its turn: others run first",
        ),
        (
            Case(
                replace(torrent("paused"), pause_reason="ratio > 2: pause"), SEED, make_dht(), None
            ),
            "paused",
            "the rule 'ratio > 2: pause' paused it",
        ),
        (
            Case(torrent("checking", progress=0.431), SEED, make_dht(), None),
            "checking",
            "its data is checked against its hashes: 43.1% so far",
        ),
        (
            Case(torrent("checking", progress=0), SEED, make_dht(), None, checks_full=True),
            "check-waits",
            "its data is checked after that of other torrents",
        ),
        (
            Case(torrent("seeding"), SEED, make_dht(), None),
            "complete",
            "nothing: it is complete, and 1.10 MiB/s go to 14 peers",
        ),
        (
            Case(torrent(), SEED, make_dht(), None, disk_behind=True),
            "disk-behind",
            "the disk writes more slowly than the data comes",
        ),
        (
            Case(torrent(), replace(NOBODY, known=5, connected=2), make_dht(), None),
            "handshakes",
            "2 peers connected, none has shaken hands yet",
        ),
        (
            Case(torrent(), replace(NOBODY, known=5, dialing=3), make_dht(), None),
            "dialing",
            "5 peers known, 3 being dialled",
        ),
        (
            Case(torrent(), replace(NOBODY, known=12), make_dht(), None),
            "unreachable",
            "12 peers are known, none of them can be reached",
        ),
        (
            Case(torrent("metadata"), NOBODY, DhtStatus(enabled=False), None),
            "dht-off",
            "no peer is known, and the DHT is off",
        ),
        (
            Case(
                torrent("metadata"),
                NOBODY,
                DhtStatus(True, queries_sent=12, replies_received=7, last_reply_age_s=300.0),
                None,
            ),
            "no-dht-nodes",
            "no DHT node answers: 12 queries sent, 7 answered, the last one 5m00s ago",
        ),
        (
            Case(torrent("metadata"), NOBODY, make_dht(), replace(SEARCH, waiting=True)),
            "search-waits",
            "its search waits for others: 1 at once",
        ),
        (
            Case(torrent("metadata"), NOBODY, make_dht(), SEARCH),
            "searching",
            "the DHT is being searched (123 good DHT nodes): 31 nodes asked, 25 answered, "
            "no peer yet",
        ),
        (
            Case(torrent("metadata"), NOBODY, make_dht(), None),
            "nobody-announces",
            "the DHT answers (123 good DHT nodes), but nobody announces this torrent there",
        ),
        (
            Case(torrent("metadata", stages_s={"metadata": 12.2}), SEED, make_dht(), None),
            "metadata",
            "the metadata is asked of 3 peers, for 12s",
        ),
        (
            Case(
                torrent(swarm_seeds=0),
                replace(SEED, sources=0, lacking=3, sourceless=3, first_sourceless=17),
                make_dht(),
                None,
            ),
            "no-source",
            "none of its 3 peers has any of the 3 pieces that it lacks, the first is 17; "
            "the DHT counts about 0 seeds",
        ),
        (
            Case(torrent(), replace(SEED, choking=2), make_dht(), None),
            "choked",
            "all 2 peers that have what it lacks choke us: others are served first",
        ),
        (
            Case(torrent(rate=500_000), SEED, make_dht(), None, limit=Limit("alternative", 524288)),
            "limited",
            "limited to 512 KiB/s by the alternative limit of all torrents; 488 KiB/s come",
        ),
        (
            Case(torrent(), replace(SEED, choking=1, snubbed=1), make_dht(), None),
            "snubbed",
            "nothing comes from 1 peer that let us ask",
        ),
        (
            Case(torrent(rate=2_000_000), replace(SEED, choking=1), make_dht(), None),
            "running",
            "nothing: 1.91 MiB/s from 14 peers, choked by 1",
        ),
    ],
)
def test_each_cause_has_its_word_and_its_sentence(case: Case, cause: str, sentence: str) -> None:
    why = explain(case)
    assert (why.cause, why.sentence) == (cause, sentence)
    assert (why.infohash, why.name) == (case.torrent.infohash, "one")


async def added(session: Session, *peers: str) -> InfoHash:
    request = AddRequest(magnet="ab" * 20, peers=[*peers])
    return session.find((await session.add(request)).infohash)


def why_of(session: Session, infohash: InfoHash) -> Why:
    [why] = session.why([infohash])
    return why


async def told(session: Session, infohash: InfoHash, cause: str) -> Why:
    await until(lambda: why_of(session, infohash).cause == cause)
    return why_of(session, infohash)


class TestReal:
    """As a user meets them."""

    def test_without_a_dht_and_without_a_node(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path / "a", new_host())) as session:
                assert why_of(session, await added(session)).cause == "dht-off"
            alone = make_config(tmp_path / "b", new_host(), bootstrap=())
            async with running(alone) as session:
                why = why_of(session, await added(session))
                assert why.cause == "no-dht-nodes" and "add-node" in (why.help or "")

        run(scenario())

    def test_the_dht_answers_and_nobody_announces(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            async with running(make_config(tmp_path / "a", host, bootstrap=())):
                other = make_config(tmp_path / "b", new_host(), bootstrap=(f"{host}:{PORT}",))
                async with running(other) as session:
                    await until(lambda: session.dht.status().nodes_good > 0)
                    adding = asyncio.ensure_future(added(session))
                    await asyncio.sleep(0)  # it has begun; the search may end before its record is
                    assert why_of(session, InfoHash(b"\xab" * 20)).cause == "searching"
                    await told(session, await adding, "nobody-announces")

        run(scenario())

    def test_a_peer_that_is_not_there_and_one_that_says_nothing(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await added(session, f"{new_host()}:{PORT}")
                why = await told(session, infohash, "unreachable")
                assert "router" in (why.help or "")
                with socket.create_server((new_host(), 0)) as silent:
                    host, port = silent.getsockname()
                    await session.add_peer(infohash, f"{host}:{port}")
                    await told(session, infohash, "handshakes")

        run(scenario())

    def test_two_who_have_nothing_wait_for_a_third(self, tmp_path: Path) -> None:
        """Both have only the link, then both only the metadata."""

        async def scenario() -> None:
            host = new_host()
            metainfo = encode_metainfo(SMALL.metadata)
            async with (
                running(make_config(tmp_path / "a", host)) as one,
                running(make_config(tmp_path / "b", new_host())) as two,
            ):
                link = SMALL.infohash.hex()
                await one.add(AddRequest(magnet=link))
                infohash = two.find((await two.add(AddRequest(magnet=link))).infohash)
                await two.add_peer(infohash, f"{host}:{PORT}")
                await told(two, infohash, "metadata")
                for session in (one, two):
                    await session.remove(infohash)
                    await session.add(AddRequest(metainfo=metainfo))
                await two.add_peer(infohash, f"{host}:{PORT}")
                why = await told(two, infohash, "no-source")
                assert "its only peer has none of the 7 pieces" in why.sentence
                await two.pause(infohash)
                assert why_of(two, infohash).cause == "paused"

        run(scenario())

    def test_a_full_disk_and_a_complete_torrent(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, SMALL, tmp_path / "source")
                assert why_of(seeder, infohash).cause == "complete"

                def full(*arguments: object) -> int:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

                monkeypatch.setattr(os, "pwrite", full)
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                why = await told(leecher, infohash, "error")
                assert "the disk is full" in why.sentence

        run(scenario())

    @pytest.mark.parametrize("whose", ["own", "all", "schedule"])
    def test_a_limit_that_is_used_up(self, tmp_path: Path, whose: str) -> None:
        slow = 200 * 1024
        rates = Rates(limit_local_network=True)
        if whose == "all":
            rates = rates.model_copy(update={"download_bytes_per_s_max": slow})
        if whose == "schedule":
            always = {"alternative_times": ("mon-sun 00:00-24:00",)}
            rates = rates.model_copy(
                update={"alternative_download_bytes_per_s_max": slow, **always}
            )

        async def scenario() -> None:
            host = new_host()
            config = make_config(tmp_path / "b", new_host())
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(config.model_copy(update={"rates": rates})) as leecher,
            ):
                infohash = await seed(seeder, BIG, tmp_path / "source")
                own = TorrentOptions(download_bytes_per_s_max=slow if whose == "own" else 0)
                peers = [f"{host}:{PORT}"]
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=peers, options=own))
                why = await told(leecher, infohash, "limited")
                assert f"limited to 200 KiB/s by {WHOSE[whose]}" in why.sentence

        run(scenario())

    def test_a_disk_below_its_floor_and_a_pause(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host(), limits=Limits(free_bytes_min=1000))
            monkeypatch.setattr(free_space, "look_at", lambda folder: Room(1, 10_000, 500))
            async with running(config) as session:
                metainfo = encode_metainfo(SMALL.metadata)
                infohash = session.find((await session.add(AddRequest(metainfo=metainfo))).infohash)
                assert "stay free" in (await told(session, infohash, "no-room")).sentence
                await session.pause(infohash)
                sentence = why_of(session, infohash).sentence
                assert sentence.startswith("it was paused by hand on 20")

        run(scenario())

    def test_whoever_waits_for_his_check_is_told_so(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, SMALL, tmp_path / "source")
                checks = session._services.checks
                while not checks.locked():
                    await checks.acquire()
                await session.verify(infohash)
                await told(session, infohash, "check-waits")
                checks.release()
                await asyncio.wait_for(session.wait(infohash, "done", 20), 20)
                await told(session, infohash, "complete")

        run(scenario())
