"""Each verb: which command it gives, which document it returns, what it refuses."""

import asyncio
from base64 import b64decode
from collections.abc import Callable

import pytest

from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon import control_verbs
from torrentd.daemon.control_call import Answer, Call
from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_verbs import Verbs
from torrentd.daemon.status import AddRequest, Refused
from torrentd.wire.store.options import TorrentOptions

ONE, TWO = make_torrent(0xC9E15763, "one"), make_torrent(0x12345678, "two")


def never() -> bool:
    return False


def run(
    session: FakeSession,
    method: str,
    params: dict[str, Json] | None = None,
    *,
    metainfo: bytes | None = None,
    hung_up: Callable[[], bool] = never,
) -> Answer:
    return asyncio.run(Verbs(session).run(method, params or {}, Call(metainfo, hung_up)))


def session() -> FakeSession:
    return FakeSession(ONE, TWO)


class TestAdd:
    def test_a_magnet_with_every_option(self) -> None:
        fake = session()
        uri = "magnet:?xt=urn:btih:" + "ab" * 20
        params: dict[str, Json] = {"uri": uri, "dir": "/srv", "paused": True, "select": "0,2-3"}
        answer = run(fake, "add", {**params, "sequential": True})
        options = TorrentOptions(sequential=True)
        assert fake.added == [AddRequest(uri, None, "/srv", True, ["0,2-3"], options=options)]
        assert list(answer.document) == ["torrents"]

    def test_the_bytes_of_a_torrent_file(self) -> None:
        fake = session()
        run(fake, "add", {"metainfo_bytes": 3}, metainfo=b"d1e")
        assert fake.added == [AddRequest(metainfo=b"d1e")]

    @pytest.mark.parametrize("metainfo", [None, b"d1e"])
    def test_it_needs_exactly_one_of_the_two(self, metainfo: bytes | None) -> None:
        fake = session()
        params: dict[str, Json] = {} if metainfo is None else {"uri": "x", "metainfo_bytes": 3}
        with pytest.raises(LineError, match="one of"):
            run(fake, "add", params, metainfo=metainfo)
        assert fake.added == []

    def test_a_wrong_option_adds_nothing(self) -> None:
        fake = session()
        with pytest.raises(LineError):
            run(fake, "add", {"uri": "magnet:?xt=urn:btih:" + "ab" * 20, "puased": True})
        assert fake.added == []


class TestQuestions:
    def test_status_is_the_daemon_and_all_torrents(self) -> None:
        document = run(session(), "status").document
        assert list(document) == ["daemon", "torrents"]
        assert document["torrents"] == [ONE, TWO]

    def test_status_of_some_torrents_keeps_their_order_and_names_each_once(self) -> None:
        params: dict[str, Json] = {"torrents": ["two", "c9e1", "1234"]}
        assert run(session(), "status", params).document["torrents"] == [TWO, ONE]

    def test_status_of_a_state_that_no_torrent_is_in_is_not_that_of_all(self) -> None:
        document = run(session(), "status", {"torrents": ["state:error"]}).document
        assert document["torrents"] == []

    def test_info_is_flat_and_holds_the_status(self) -> None:
        document = run(session(), "info", {"torrent": "one"}).document
        assert document["name"] == "one" and document["piece_count"] == 4916
        assert "status" not in document

    def test_pieces_are_two_bitfields(self) -> None:
        document = run(session(), "pieces", {"torrent": "one"}).document
        assert (document["name"], document["have"], document["here"]) == ("one", "f000", "0f00")

    def test_an_export_is_the_magnet_and_where_wanted_the_file_in_parts(self) -> None:
        document = run(session(), "export", {"torrent": "one"}).document
        assert str(document["magnet"]).startswith("magnet:?") and "metainfo" not in document
        document = run(session(), "export", {"torrent": "one", "metainfo": True}).document
        parts = document["metainfo"]
        assert isinstance(parts, list) and len(parts) == 9
        assert b64decode("".join(parts), validate=True) == bytes(range(256)) * 100

    def test_why_is_asked_of_some_or_of_all(self) -> None:
        def names(**params: Json) -> list[str]:
            torrents = run(session(), "why", params).document["torrents"]
            assert isinstance(torrents, list)
            return [why.name for why in torrents]

        assert names() == ["one", "two"] and names(torrents=["two"]) == ["two"]

    def test_a_list_says_whose_it_is(self) -> None:
        document = run(session(), "peers", {"torrent": "one"}).document
        assert document == {"infohash": ONE.infohash, "name": "one", "peers": []}

    def test_version(self) -> None:
        assert run(session(), "version").document["version"] == "1.2.3"

    @pytest.mark.parametrize("verb", ["status", "info", "peers", "files", "version", "wait"])
    def test_an_unknown_parameter_is_refused(self, verb: str) -> None:
        wanted: dict[str, Json] = {"torrent": "one", "torrents": ["one"], "bogus": 1}
        with pytest.raises(LineError):
            run(session(), verb, wanted)


class TestCommands:
    @pytest.mark.parametrize("verb", ["pause", "resume", "verify"])
    def test_each_torrent_in_turn(self, verb: str) -> None:
        fake = session()
        document = run(fake, verb, {"torrents": ["two", "one"]}).document
        assert fake.calls == [(verb, TWO.infohash), (verb, ONE.infohash)]
        assert document == {
            "torrents": [
                {"infohash": TWO.infohash, "name": "two"},
                {"infohash": ONE.infohash, "name": "one"},
            ]
        }

    def test_remove_keeps_the_data_unless_told(self) -> None:
        fake = session()
        run(fake, "remove", {"torrents": ["one"]})
        run(fake, "remove", {"torrents": ["two"], "data": True})
        assert fake.calls == [
            ("remove", ONE.infohash, "stays"),
            ("remove", TWO.infohash, "deleted"),
        ]

    def test_the_trash_is_asked_for_all_before_the_first_goes(self) -> None:
        fake = FakeSession(ONE, make_torrent(99, "no-trash"))
        with pytest.raises(Refused, match="nothing was removed"):
            run(fake, "remove", {"torrents": ["one", "no-trash"], "trash": True})
        assert len(fake.entries) == 2
        document = run(fake, "remove", {"torrents": ["one"], "trash": True}).document
        one = {"infohash": ONE.infohash, "name": "one", "trashed": ["/trash/files/one"]}
        assert document == {"torrents": [one]}
        with pytest.raises(LineError, match="one of them"):
            run(fake, "remove", {"torrents": ["no-trash"], "trash": True, "data": True})

    def test_a_pattern_names_many_but_removes_none(self) -> None:
        fake = session()
        run(fake, "pause", {"torrents": ["all"]})
        assert [call[0] for call in fake.calls] == ["pause", "pause"]
        with pytest.raises(Refused):
            run(fake, "remove", {"torrents": ["all"]})
        assert len(fake.entries) == 2

    def test_a_typo_in_the_last_name_changes_nothing(self) -> None:
        fake = session()
        with pytest.raises(Refused, match="there is no torrent thre"):
            run(fake, "remove", {"torrents": ["one", "two", "thre"]})
        assert fake.calls == []

    def test_no_torrent_is_not_all_torrents(self) -> None:
        nothing: list[dict[str, Json]] = [{}, {"torrents": []}]
        for params in nothing:
            with pytest.raises(LineError, match="needs"):
                run(session(), "remove", params)

    def test_add_peer(self) -> None:
        fake = session()
        run(fake, "add-peer", {"torrent": "one", "address": "192.0.2.7:80"})
        assert fake.calls == [("add_peer", ONE.infohash, "192.0.2.7:80")]

    def test_shutdown_is_asked_for_after_the_answer(self) -> None:
        fake = session()
        answer = run(fake, "shutdown")
        assert not fake.shutdown_requested and answer.then is not None
        answer.then()
        assert fake.shutdown_requested

    def test_an_unknown_method_names_the_nearest(self) -> None:
        with pytest.raises(LineError, match='did you mean "status"'):
            run(session(), "statuss")


class TestWait:
    def test_reached_at_once(self) -> None:
        fake = session()
        fake.reached.set()
        document = run(fake, "wait", {"torrents": ["one", "two"], "until": "metadata"}).document
        assert document == {"reached": True, "torrents": [ONE, TWO]}
        assert [call[2] for call in fake.calls] == ["metadata", "metadata"]

    def test_too_many_at_once_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(control_verbs, "TEXTS_MAX", 1)
        with pytest.raises(Refused, match="at most 1 torrents"):
            run(session(), "wait", {"torrents": ["all"]})

    def test_the_time_is_over(self) -> None:
        document = run(session(), "wait", {"torrents": ["one", "two"], "timeout_s": 0}).document
        assert document["reached"] is False

    def test_a_caller_that_hung_up_waits_no_longer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(control_verbs, "WAIT_SLICE_S", 0.01)
        answers = iter([False, True])
        document = run(
            session(), "wait", {"torrents": ["one"]}, hung_up=lambda: next(answers, True)
        ).document
        assert document["reached"] is False
