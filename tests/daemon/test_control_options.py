"""The verbs that change what is wanted of torrents, and their documents."""

import asyncio

import pytest

from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.control_call import Call, Document
from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_options import OptionVerbs, added_options
from torrentd.daemon.control_params import Params
from torrentd.daemon.file_choice import FileChoice
from torrentd.daemon.status import FileStatus, Refused
from torrentd.wire.store.options import TorrentOptions

ONE = make_torrent(0xABCD0001, "one")
FILE = FileStatus(0, "dir/a", 5, 0, wanted=True)


def run(session: FakeSession, method: str, **params: Json) -> Document:
    async def answer() -> Document:
        verb = OptionVerbs(session).by_name[method]
        return (await verb(Params(method, params), Call(None, lambda: False))).document

    return asyncio.run(answer())


@pytest.fixture
def session() -> FakeSession:
    session = FakeSession(ONE, make_torrent(2, "two"))
    session.file_list = [FILE]
    return session


def test_files_are_shown_as_they_are(session: FakeSession) -> None:
    assert run(session, "files", torrent="one") == {
        "infohash": ONE.infohash,
        "name": "one",
        "sequential": False,
        "files": [FILE],
    }
    assert session.choices == []


def test_files_are_chosen(session: FakeSession) -> None:
    run(session, "files", torrent="one", select="0,2", skip=["*.txt", "4"], sequential=False)
    choice = FileChoice(select=["0,2"], skip=["*.txt", "4"], sequential=False)
    assert session.choices == [(ONE.infohash, choice)]


@pytest.mark.parametrize("params", [{"select": 3}, {"sequential": "on"}, {"selct": "3"}])
def test_nonsense_is_refused(session: FakeSession, params: dict[str, Json]) -> None:
    with pytest.raises(LineError):
        run(session, "files", torrent="one", **params)
    assert session.choices == []


def test_what_add_says_of_a_torrent() -> None:
    assert added_options(Params("add", {})) == TorrentOptions()
    assert added_options(Params("add", {"sequential": True})) == TorrentOptions(sequential=True)
    asked = Params("add", {"super_seeding": True})
    assert added_options(asked) == TorrentOptions(super_seeding=True)


def test_add_takes_labels_limits_and_rules() -> None:
    params: dict[str, Json] = {
        "labels": [" a ", "b", "a"],
        "download_bytes_per_s_max": 5,
        "rules": ["ratio > 2: pause"],
    }
    expected = TorrentOptions(
        labels=("a", "b"), download_bytes_per_s_max=5, rules=("ratio > 2: pause",)
    )
    assert added_options(Params("add", params)) == expected
    assert added_options(Params("add", {"rules": ["none"]})).rules == ()
    assert added_options(Params("add", {"rules": ["default"]})).rules is None
    wrong: list[tuple[str, list[Json]]] = [
        ("rules", ["x"]),
        ("rules", ["ratio > 2: pause"] * 21),
        ("labels", ["a,b"]),
    ]
    for name, value in wrong:
        with pytest.raises(Refused):
            added_options(Params("add", {name: value}))


def test_labels_are_given_and_taken(session: FakeSession) -> None:
    run(session, "label", torrents=["all"], add=["new", "isos"])
    document = run(session, "label", torrents=["one"], add=["x"], remove=["new"])
    assert document == {
        "torrents": [{"infohash": ONE.infohash, "name": "one", "labels": ["isos", "x"]}]
    }
    labels = [options.labels for options in session.wanted.values()]
    assert labels == [("isos", "x"), ("new", "isos")]
    assert run(session, "label", torrents=["all"], remove=["nobody's"])["torrents"]


@pytest.mark.parametrize("labels", [["a", "b:c"], [f"label {n}" for n in range(51)]])
def test_a_wrong_label_changes_nothing(session: FakeSession, labels: list[Json]) -> None:
    with pytest.raises(Refused):
        run(session, "label", torrents=["all"], add=labels)
    assert session.wanted == {}


def test_the_queue_is_shown_and_changed(session: FakeSession) -> None:
    document = run(session, "queue", torrents=["one"], to="top")
    assert session.calls[-1] == ("queue", ONE.infohash, "top")
    assert document == run(session, "queue")
    first = {"place": 1, "infohash": ONE.infohash, "name": "one", "state": "downloading"}
    torrents = document["torrents"]
    assert isinstance(torrents, list) and torrents[0] == {**first, "forced": False}


@pytest.mark.parametrize("params", [{"to": "top"}, {"torrents": ["one"]}, {"to": "x"}])
def test_the_queue_needs_both_or_neither(session: FakeSession, params: dict[str, Json]) -> None:
    with pytest.raises(LineError):
        run(session, "queue", **params)
    assert session.calls == []


def test_moves_and_renames(session: FakeSession) -> None:
    document = run(session, "move", torrents=["one", "two"], dir="/srv/new")
    run(session, "rename", torrent="one", name="A name")
    run(session, "rename", torrent="one", path="a/b", name="c")
    assert session.calls == [
        ("move", ONE.infohash, "/srv/new"),
        ("move", "00000002" * 5, "/srv/new"),
        ("rename", ONE.infohash, None, "A name"),
        ("rename", ONE.infohash, "a/b", "c"),
    ]
    torrents = document["torrents"]
    assert isinstance(torrents, list)
    placed = {"download_dir": "/srv/downloads", "moving": False}
    assert torrents[0] == {"infohash": ONE.infohash, "name": "one", **placed}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("move", {"torrents": ["one"]}),
        ("move", {"torrents": ["one"], "dir": "here"}),
        ("move", {"dir": "/srv"}),
        ("rename", {"torrent": "one"}),
        ("rename", {"name": "x"}),
    ],
)
def test_moves_and_renames_say_what_they_need(
    session: FakeSession, method: str, params: dict[str, Json]
) -> None:
    with pytest.raises(LineError):
        run(session, method, **params)
