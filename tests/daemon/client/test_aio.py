"""The async client: the same lies as of the blocking one, and what tasks do to each other."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import pytest
import uvloop

from tests.daemon.client.lying_daemon import (
    LIES,
    PATIENCE_S,
    answer,
    daemon_that,
    endless,
    says,
    trickles,
)
from tests.daemon.control_fixture import serve
from tests.daemon.fake_session import FakeSession, make_hop, make_torrent
from torrentd.daemon.client import aio, conversation
from torrentd.daemon.client.aio import AsyncClient
from torrentd.daemon.client.errors import BadAnswer, ConnectionLost, NoDaemon, Refused, TimedOut
from torrentd.daemon.client.requests import Request
from torrentd.daemon.control_lines import encode_error

T = TypeVar("T")
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> asyncio.Runner:
    """Programs have either."""
    return asyncio.Runner(loop_factory=LOOPS[request.param])


def run(loop: asyncio.Runner, story: Coroutine[object, object, T]) -> T:
    with loop:
        return loop.run(story)


def version(answer_s: float | None = PATIENCE_S) -> Request[object]:
    return Request("version", answer_s=answer_s)


def test_calls_of_many_tasks_are_each_answered(loop: asyncio.Runner) -> None:
    async def story(path: Path) -> None:
        async with AsyncClient(str(path)) as daemon:
            infos = await asyncio.gather(*(daemon.info(f"torrent {n}") for n in range(1, 20)))
            assert [info["name"] for info in infos] == [f"torrent {n}" for n in range(1, 20)]
            with pytest.raises(Refused, match="there is no torrent x"):
                await daemon.info("x")
            added = await daemon.add(bytes(3_000_000))
            assert added["torrents"][0]["added"]

    session = FakeSession(*(make_torrent(n) for n in range(1, 20)))
    with serve(session, clients_max=1) as served:
        run(loop, story(served.path))
    assert session.added[0].metainfo == bytes(3_000_000)


def test_a_call_that_is_cancelled_leaves_no_answer_for_the_next(loop: asyncio.Runner) -> None:
    async def story(path: Path) -> None:
        async with AsyncClient(str(path)) as daemon:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await daemon.wait("torrent 1")
            assert (await daemon.version())["pid"] == 4321

    with serve(FakeSession(make_torrent(1))) as served:
        run(loop, story(served.path))


def test_a_stream_is_what_is_told_and_then_the_result(loop: asyncio.Runner) -> None:
    async def story(path: Path) -> None:
        async with AsyncClient(str(path)) as daemon:
            stream = daemon.follow_dht_lookup("ab" * 20)
            with pytest.raises(ValueError, match="not come to its end"):
                _ = stream.result
            assert [hop["depth"] async for hop in stream if "depth" in hop] == [1, 2]
            assert stream.result["peers"] == ["192.0.2.77:6881"]
            assert stream.closed and [hop async for hop in stream] == []

    session = FakeSession()
    session.dht.hops = [make_hop(1), make_hop(2, "192.0.2.77")]
    with serve(session) as served:
        run(loop, story(served.path))


def test_one_asks_while_one_listens(loop: asyncio.Runner) -> None:
    async def story(path: Path) -> None:
        async with AsyncClient(str(path)) as daemon, daemon.follow_events(since="0") as events:
            async for event in events:
                assert event["event"] == "done"
                assert (await daemon.info("torrent 1"))["name"] == "torrent 1"
                if event["cursor"].endswith("-2"):
                    break
        assert events.closed

    session = FakeSession(make_torrent(1))
    session.journal.put(1, 2)
    with serve(session) as served:
        run(loop, story(served.path))


def test_whoever_waits_for_news_is_freed_by_the_end_of_the_client(loop: asyncio.Runner) -> None:
    async def listen(daemon: AsyncClient, begun: asyncio.Event) -> str:
        async for _ in daemon.follow_events(since="0"):
            begun.set()
        return "freed"

    async def story(path: Path) -> None:
        begun = asyncio.Event()
        async with AsyncClient(str(path)) as daemon, asyncio.TaskGroup() as group:
            listening = group.create_task(listen(daemon, begun))
            await begun.wait()
            daemon.close()
        assert listening.result() == "freed"

    session = FakeSession()
    session.journal.put(1)
    with serve(session) as served:
        run(loop, story(served.path))


def test_a_daemon_that_goes_away_ends_a_stream_with_an_error(loop: asyncio.Runner) -> None:
    async def story(path: Path) -> None:
        async with AsyncClient(str(path)) as daemon:
            events = daemon.follow_events()
            with pytest.raises(ConnectionLost):
                await anext(events)
            assert events.closed

    with daemon_that(says(b"")) as path:
        run(loop, story(path))


def test_progress(loop: asyncio.Runner) -> None:
    async def story(path: Path, session: FakeSession) -> None:
        async with AsyncClient(str(path)) as daemon:
            seen = [p.reached async for p in daemon.progress("all", every_s=0.01)]
            assert seen == [True]
            session.reached.clear()
            with pytest.raises(TimedOut):
                _ = [p async for p in daemon.progress("all", every_s=0.01, timeout_s=0.05)]

    session = FakeSession(make_torrent(1))
    session.reached.set()
    with serve(session) as served:
        run(loop, story(served.path, session))


def test_the_end_of_the_daemon_is_noticed(loop: asyncio.Runner) -> None:
    async def story(path: Path) -> None:
        async with AsyncClient(str(path)) as daemon:
            assert await daemon.call(version()) == {"n": 1}
            assert await daemon.wait_for_end(PATIENCE_S)
            assert await daemon.call(version()) == {"n": 2}
            assert not await daemon.wait_for_end(0.01)

    dropped = says(answer(1, n=1) + b"")
    with daemon_that(dropped, says(answer(1, n=2), stays=True)) as path:
        run(loop, story(path))


def test_a_place_that_others_needed_is_taken_anew(loop: asyncio.Runner) -> None:
    async def story(path: Path) -> None:
        async with AsyncClient(str(path)) as daemon:
            assert await daemon.call(version()) == {"n": 1}
            assert await daemon.call(version()) == {"n": 2}

    dropped = says(answer(1, n=1) + encode_error(None, 3, "others need this place"))
    with daemon_that(dropped, says(answer(1, n=2))) as path:
        run(loop, story(path))


class TestLies:
    @pytest.mark.parametrize("name", LIES)
    def test_each_is_its_error_and_the_next_call_begins_anew(
        self, name: str, loop: asyncio.Runner
    ) -> None:
        said, error = LIES[name]
        stays = error is TimedOut

        async def story(path: Path) -> None:
            async with AsyncClient(str(path)) as daemon:
                with pytest.raises(error):
                    await daemon.call(version(0.2 if stays else PATIENCE_S))
                assert await daemon.call(version()) == {"n": 2}

        with daemon_that(says(said, stays=stays), says(answer(1, n=2))) as path:
            run(loop, story(path))

    def test_bytes_that_trickle_do_not_prolong_the_time(self, loop: asyncio.Runner) -> None:
        async def story(path: Path) -> None:
            async with AsyncClient(str(path)) as daemon:
                with pytest.raises(TimedOut, match=r"not answered for 0\.1 s"):
                    await daemon.call(version(0.1))

        with daemon_that(trickles(b" " * 1000)) as path:
            run(loop, story(path))

    def test_a_line_without_an_end_ends(
        self, loop: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(conversation.Conversation.__init__, "__defaults__", (1_000_000,))

        async def story(path: Path) -> None:
            async with AsyncClient(str(path)) as daemon:
                with pytest.raises(BadAnswer, match="longer than 1000000 bytes"):
                    await daemon.call(version())

        with daemon_that(endless) as path:
            run(loop, story(path))


def test_nobody_is_there(loop: asyncio.Runner, tmp_path: Path) -> None:
    async def story() -> None:
        async with AsyncClient(str(tmp_path / "none")) as daemon:
            with pytest.raises(NoDaemon):
                await daemon.status()
            with pytest.raises(NoDaemon):
                await anext(daemon.follow_events())

    run(loop, story())


def test_a_queue_at_the_door_is_waited_for(
    loop: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aio, "CONNECT_S", 0.05)
    monkeypatch.setattr(aio, "RETRY_S", 0.01)
    monkeypatch.setattr(aio, "knock", lambda path: None)

    async def story() -> None:
        async with AsyncClient("/busy") as daemon:
            with pytest.raises(TimedOut, match="too busy"):
                await daemon.status()

    run(loop, story())
