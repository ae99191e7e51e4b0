"""The daemon as torrentctl speaks to it: harmless documents, and ends with their exit codes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.client.lying_daemon import LIES, PATIENCE_S, answer, daemon_that, says
from tests.daemon.control_fixture import serve
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.client.errors import ConnectionLost, TimedOut
from torrentd.daemon.client.requests import Request
from torrentd.daemon.control_lines import Json, encode_notification
from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import NO_DAEMON, REFUSED, TIMED_OUT, Failure

TOLD = [encode_notification("events", {"n": number}) for number in range(3)]


def failure(path: Path, answer_s: float | None = PATIENCE_S) -> Failure:
    client = Client(str(path))
    with pytest.raises(Failure) as caught:
        client.call("version", answer_s=answer_s)
    client.close()
    return caught.value


def test_documents_are_harmless() -> None:
    with serve(FakeSession(make_torrent(1, "\x1b[2Jx"))) as served:
        client = Client(str(served.path))
        for document in (client.call("status"), client.ask(Request("status"))):
            assert document.children("torrents")[0].text("name") == "\\x1b[2Jx"
        client.close()


def test_the_daemons_no_is_its_sentence() -> None:
    with serve(FakeSession()) as served:
        client = Client(str(served.path))
        with pytest.raises(Failure, match="there is no torrent x") as caught:
            client.call("info", {"torrent": "x"})
        assert caught.value.exit_code == REFUSED
        with pytest.raises(Failure, match="older than this torrentctl"):
            client.call("sing")
        client.close()


def heard(*said: bytes, listen: Callable[[Document], None]) -> Document:
    with daemon_that(says(b"".join(said), stays=True)) as path:
        client = Client(str(path))
        try:
            return client.call("events", on_told=listen)
        finally:
            client.close()


def test_what_is_told_before_the_answer_is_heard_in_order() -> None:
    numbers: list[Json] = []
    document = heard(*TOLD, answer(1, n=9), listen=lambda told: numbers.append(told.integer("n")))
    assert numbers == [0, 1, 2] and document.integer("n") == 9


def test_a_listener_that_fails_is_not_taken_for_the_daemon() -> None:
    """`torrentctl … | head -1`: standard output is closed, the daemon is not."""

    def fails(told: Document) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        heard(*TOLD, listen=fails)


def test_a_daemon_that_ends_while_one_listens_is_gone() -> None:
    with daemon_that(says(TOLD[0])) as path:
        client = Client(str(path))
        with pytest.raises(Failure, match="went away") as caught:
            client.call("events", answer_s=None, on_told=lambda told: None)
        assert caught.value.exit_code == NO_DAEMON
        client.close()


@pytest.mark.parametrize("name", LIES)
def test_every_lie_is_a_sentence_and_an_exit_code(name: str) -> None:
    said, error = LIES[name]
    late = error is TimedOut
    with daemon_that(says(said, stays=late)) as path:
        caught = failure(path, 0.1 if late else PATIENCE_S)
    expected = {TimedOut: TIMED_OUT, ConnectionLost: NO_DAEMON}.get(error, REFUSED)
    assert caught.exit_code == expected


def test_no_daemon(tmp_path: Path) -> None:
    assert failure(tmp_path / "none").exit_code == NO_DAEMON
