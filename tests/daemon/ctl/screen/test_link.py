"""The daemon as the screen asks it, over a real socket: answers, refusals, ends."""

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import NO_DAEMON, REFUSED, TIMED_OUT, Failure
from torrentd.daemon.ctl.screen import link
from torrentd.daemon.ctl.screen.link import Link

T = TypeVar("T")
INFOHASH = make_torrent(1).infohash


@pytest.fixture
def served() -> Iterator[Served]:
    with serve(FakeSession(*(make_torrent(number) for number in range(1, 2001)))) as running:
        yield running


def run(story: Coroutine[None, None, T]) -> T:
    return asyncio.run(story)


def failure_of(story: Coroutine[None, None, object]) -> Failure:
    with pytest.raises(Failure) as caught:
        run(story)
    return caught.value


def test_a_question_has_an_answer_however_long(served: Served) -> None:
    answer = run(Link(str(served.path)).ask("status"))
    assert answer.count("torrents") == 2000


def test_the_bytes_of_a_torrent_file_travel_behind_the_question(served: Served) -> None:
    run(Link(str(served.path)).ask("add", {"metainfo_bytes": 5}, b"d1:ae"))
    assert served.session.added[0].metainfo == b"d1:ae"


def test_a_refusal_is_its_sentence(served: Served) -> None:
    failure = failure_of(Link(str(served.path)).ask("info", {"torrent": "nobody"}))
    assert failure.exit_code == REFUSED and "nobody" in failure.sentence


def test_no_daemon_is_said_as_by_every_verb(tmp_path: Path) -> None:
    failure = failure_of(Link(str(tmp_path / "none")).ask("status"))
    assert failure.exit_code == NO_DAEMON
    assert failure.sentence.startswith(f"no daemon at {tmp_path}/none; start torrentd")


def test_questions_may_be_asked_at_once(served: Served) -> None:
    async def story() -> list[Document]:
        daemon = Link(str(served.path))
        return await asyncio.gather(*(daemon.ask("info", {"torrent": INFOHASH}) for _ in range(9)))

    assert {answer.text("infohash") for answer in run(story())} == {INFOHASH}


def test_what_happens_is_told_and_a_daemon_that_stops_ends_it(served: Served) -> None:
    told: list[str] = []

    async def listen() -> None:
        with pytest.raises(Failure, match="went away"):
            async for event in Link(str(served.path)).events():
                told.append(event.text("cursor"))

    async def happen() -> None:
        for number in range(1, 1000):
            served.loop.call_soon_threadsafe(served.session.journal.put, number)
            await asyncio.sleep(0.01)
            if len(told) >= 3:
                break
        await asyncio.to_thread(served.stop)

    async def both() -> None:
        await asyncio.gather(listen(), happen())

    run(both())
    first = int(told[0].rpartition("-")[2])
    assert told == [f"00c0ffee-{number}" for number in range(first, first + len(told))]


@pytest.mark.parametrize(
    ("answer", "code"),
    [(b"", NO_DAEMON), (b'{"jsonrpc"', NO_DAEMON), (b"HTTP/1.1 400\r\n", REFUSED)],
)
def test_what_is_no_daemon_is_no_answer(tmp_path: Path, answer: bytes, code: int) -> None:
    def say(listener: socket.socket) -> None:
        sock, _ = listener.accept()
        with sock:
            sock.recv(1000)
            sock.sendall(answer)

    async def story() -> None:
        with stranger(tmp_path) as (path, listener):
            await asyncio.gather(Link(path).ask("status"), asyncio.to_thread(say, listener))

    assert failure_of(story()).exit_code == code


def test_silence_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "ANSWER_S", 0.05)
    with stranger(tmp_path) as (path, _):
        failure = failure_of(Link(path).ask("status"))
    assert failure.exit_code == TIMED_OUT and "0.05 s" in failure.sentence


@contextmanager
def stranger(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """Somebody else listens at the socket."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        yield path, listener


def test_the_connection_is_closed_behind_each_question(served: Served) -> None:
    async def story() -> int:
        daemon = Link(str(served.path))
        for _ in range(100):  # the daemon lets in 32
            await daemon.ask("version")
        return 100

    assert run(story()) == 100
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(served.path))
