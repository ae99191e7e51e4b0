"""Waiting ends when it is reached, when time is over, or when it has become hopeless."""

import pytest

from torrentd.daemon.client.requests import Request
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import REFUSED, TIMED_OUT, Failure
from torrentd.daemon.ctl.waiting import wait


class ScriptedClient(Client):
    """Answers each `wait` with the next of `steps`: reached or not, and the torrent's fields."""

    def __init__(self, *steps: tuple[bool, dict[str, Json]]) -> None:
        super().__init__("/nowhere")
        self.steps = list(steps)
        self.torrents: list[Json] = []
        self.asked: list[Json] = []

    def ask(self, request: Request[object]) -> Document:
        self.asked.append(request.params["torrents"])
        if request.method == "status":
            return Document({"daemon": {}, "torrents": self.torrents})
        reached, fields = self.steps.pop(0)
        self.torrents = [{"infohash": "ab" * 20, "name": "one", **fields}]
        return Document({"reached": reached, "torrents": self.torrents})


def failure(client: ScriptedClient, timeout_s: float | None = None) -> Failure:
    with pytest.raises(Failure) as caught:
        wait(client, ["one"], "done", timeout_s, quiet=True)
    return caught.value


DOWNLOADING: dict[str, Json] = {"state": "downloading", "progress": 0.5, "size_bytes": 100}


def test_the_result_is_the_document_of_the_last_wait() -> None:
    client = ScriptedClient((False, DOWNLOADING), (True, {"state": "seeding"}))
    result = wait(client, ["one"], "done", None, quiet=True)
    assert result.flag("reached") and result.children("torrents")[0].text("state") == "seeding"


def test_after_the_first_answer_only_infohashes_are_asked_for() -> None:
    """A magnet's name is replaced by that of its metadata, in the middle of the wait."""
    client = ScriptedClient((False, DOWNLOADING), (True, DOWNLOADING))
    wait(client, ["one"], "done", None, quiet=True)
    assert client.asked == [["one"], ["ab" * 20], ["ab" * 20], ["ab" * 20]]


def test_a_torrent_that_fails_ends_the_wait() -> None:
    ended = failure(ScriptedClient((False, {"state": "error", "error": "disk full\x1b[0m"})))
    assert (ended.exit_code, ended.sentence) == (REFUSED, "one: disk full\\x1b[0m")


def test_a_paused_torrent_ends_the_wait_unless_it_is_done() -> None:
    assert failure(ScriptedClient((False, {"state": "paused"}))).exit_code == REFUSED
    client = ScriptedClient((False, {"state": "paused", "progress": 1}), (True, DOWNLOADING))
    assert wait(client, ["one"], "done", None, quiet=True).flag("reached")


def test_the_time_is_over_and_says_where_it_stands() -> None:
    ended = failure(ScriptedClient((False, DOWNLOADING)), timeout_s=0)
    assert ended.exit_code == TIMED_OUT
    assert ended.sentence == "timed out after 0s; one: 50.0% of 100 B, 0 B/s, 0 peers"
