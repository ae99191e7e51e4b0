"""Calls and streams of the blocking client, and every way a daemon may fail it."""

import threading
from pathlib import Path

import pytest

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
from torrentd.daemon.client import calling, conversation
from torrentd.daemon.client.blocking import Client
from torrentd.daemon.client.errors import (
    BadAnswer,
    ClientError,
    ConnectionLost,
    NoDaemon,
    Refused,
    TimedOut,
)
from torrentd.daemon.client.requests import Request
from torrentd.daemon.control_lines import encode_error, encode_notification


def version(answer_s: float | None = PATIENCE_S) -> Request[object]:
    return Request("version", answer_s=answer_s)


class TestCalls:
    def test_one_connection_serves_many_calls(self) -> None:
        session = FakeSession(make_torrent(1))
        with serve(session, clients_max=1) as served, Client(str(served.path)) as daemon:
            assert daemon.version()["version"] == "1.2.3"
            assert daemon.status()["torrents"][0]["name"] == "torrent 1"
            assert daemon.dht_status()["nodes_good"] == 123

    def test_a_large_answer_is_read_whole(self) -> None:
        session = FakeSession(*(make_torrent(number) for number in range(3000)))
        with serve(session) as served, Client(str(served.path)) as daemon:
            assert len(daemon.status()["torrents"]) == 3000

    def test_a_no_leaves_the_connection_as_it_was(self) -> None:
        with serve(FakeSession(), clients_max=1) as served, Client(str(served.path)) as daemon:
            for _ in range(3):
                with pytest.raises(Refused, match="there is no torrent x") as caught:
                    daemon.info("x")
                assert caught.value.code == 1
            assert daemon.version()["pid"] == 4321

    def test_a_torrent_file_travels_beside_its_line(self) -> None:
        with serve(FakeSession()) as served, Client(str(served.path)) as daemon:
            assert daemon.add(bytes(3_000_000), labels="isos")["torrents"][0]["added"]
            assert served.session.added[0].metainfo == bytes(3_000_000)
            assert served.session.added[0].options.labels == ("isos",)

    def test_a_user_who_may_not_reads_why(self) -> None:
        with serve(FakeSession(), uid=4_000_000_000) as served, Client(str(served.path)) as daemon:
            for _ in range(2):
                with pytest.raises(Refused, match="may not command"):
                    daemon.add(bytes(5_000_000))

    def test_what_was_not_asked_to_tell_is_passed_over(self) -> None:
        said = encode_notification("version", {}) + answer(1, n=9)
        with daemon_that(says(said)) as path, Client(str(path)) as daemon:
            assert daemon.call(version()) == {"n": 9}

    def test_a_daemon_that_was_started_again_is_found_again(self) -> None:
        """The old one has closed while nobody asked."""
        first, second = says(answer(1, n=1)), says(answer(1, n=2))
        with daemon_that(first, second) as path, Client(str(path)) as daemon:
            assert daemon.call(version()) == {"n": 1}
            assert daemon.wait_for_end(PATIENCE_S)
            assert daemon.call(version()) == {"n": 2}

    def test_a_place_that_others_needed_is_taken_anew(self) -> None:
        dropped = says(answer(1, n=1) + encode_error(None, 3, "others need this place"))
        with daemon_that(dropped, says(answer(1, n=2))) as path, Client(str(path)) as daemon:
            assert daemon.call(version()) == {"n": 1}
            assert daemon.call(version()) == {"n": 2}

    def test_the_end_of_the_daemon_is_noticed(self) -> None:
        with serve(FakeSession()) as served, Client(str(served.path)) as daemon:
            daemon.shutdown()
            assert not daemon.wait_for_end(0.01)
            served.stop()
            assert daemon.wait_for_end(PATIENCE_S)


class TestStreams:
    def test_what_is_told_and_then_the_result(self) -> None:
        with serve(FakeSession()) as served, Client(str(served.path)) as daemon:
            served.session.dht.hops = [make_hop(1), make_hop(2, "192.0.2.77")]
            stream = daemon.follow_dht_lookup("ab" * 20)
            with pytest.raises(ValueError, match="not come to its end"):
                _ = stream.result
            assert [hop["depth"] for hop in stream if "depth" in hop] == [1, 2]
            assert stream.result["peers"] == ["192.0.2.77:6881"]
            assert stream.closed and list(stream) == []

    def test_one_asks_while_one_listens(self) -> None:
        session = FakeSession(make_torrent(1))
        session.journal.put(1, 2)
        with serve(session) as served, Client(str(served.path)) as daemon:
            with daemon.follow_events(since="0") as events:
                for number, event in enumerate(events, 1):
                    assert event["event"] == "done" and event["cursor"].endswith(f"-{number}")
                    assert daemon.info("torrent 1")["name"] == "torrent 1"
                    if number == 2:
                        break
            assert events.closed

    def test_the_end_of_the_client_is_that_of_its_streams(self) -> None:
        with serve(FakeSession()) as served, Client(str(served.path)) as daemon:
            events = daemon.follow_events()
            daemon.close()
            assert list(events) == []
            assert daemon.version()["pid"] == 4321

    def test_a_daemon_that_goes_away_ends_it_with_an_error(self) -> None:
        with serve(FakeSession()) as served, Client(str(served.path)) as daemon:
            events = daemon.follow_events()
            served.stop()
            with pytest.raises(ConnectionLost):
                next(events)
            assert events.closed

    def test_a_no_is_raised_where_it_is_iterated(self) -> None:
        with serve(FakeSession()) as served, Client(str(served.path)) as daemon:
            hops = daemon.follow_dht_lookup("x")
            with pytest.raises(Refused, match="there is no torrent x"):
                next(hops)

    def test_news_of_another_method_are_no_news(self) -> None:
        said = encode_notification("events", {"event": "done"}) + encode_notification("x", {})
        with daemon_that(says(said, stays=True)) as path, Client(str(path)) as daemon:
            events = daemon.follow_events()
            assert next(events)["event"] == "done"
            with pytest.raises(BadAnswer, match="not asked"):
                next(events)

    def test_whoever_listens_may_fail_and_nothing_is_left_open(self) -> None:
        with serve(FakeSession()) as served, Client(str(served.path)) as daemon:
            served.session.dht.hops = [make_hop(1)]
            with pytest.raises(BrokenPipeError), daemon.follow_dht_lookup("ab" * 20) as hops:
                for _ in hops:
                    raise BrokenPipeError
            assert hops.closed


class TestLies:
    @pytest.mark.parametrize("name", LIES)
    def test_each_is_its_error_and_the_next_call_begins_anew(self, name: str) -> None:
        said, error = LIES[name]
        stays = error is TimedOut
        first, second = says(said, stays=stays), says(answer(1, n=2))
        with daemon_that(first, second) as path, Client(str(path)) as daemon:
            with pytest.raises(error):
                daemon.call(version(0.2 if stays else PATIENCE_S))
            assert daemon.call(version()) == {"n": 2}

    def test_bytes_that_trickle_do_not_prolong_the_time(self) -> None:
        late = pytest.raises(TimedOut, match=r"not answered for 0\.1 s")
        with daemon_that(trickles(b" " * 1000)) as path, Client(str(path)) as daemon, late:
            daemon.call(version(0.1))

    def test_a_line_without_an_end_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(conversation.Conversation.__init__, "__defaults__", (1_000_000,))
        bad = pytest.raises(BadAnswer, match="longer than 1000000 bytes")
        with daemon_that(endless) as path, Client(str(path)) as daemon, bad:
            daemon.call(version())

    def test_a_daemon_that_reads_nothing_costs_the_time_it_may(self) -> None:
        released = threading.Event()
        with daemon_that(lambda connection: _wait(released)) as path, Client(str(path)) as daemon:
            with pytest.raises(TimedOut):
                daemon.call(Request("add", {}, bytes(30_000_000), answer_s=0.05))
            released.set()

    def test_a_line_for_another_request_is_not_taken_for_the_answer(self) -> None:
        late = says(answer(1, n=1), answer(1, n=1))
        with daemon_that(late, says(answer(1, n=3))) as path, Client(str(path)) as daemon:
            assert daemon.call(version()) == {"n": 1}
            with pytest.raises(BadAnswer, match="another request"):
                daemon.call(version())
            assert daemon.call(version()) == {"n": 3}


class TestNoDaemon:
    def test_nobody_is_there(self, tmp_path: Path) -> None:
        with Client(str(tmp_path / "none")) as daemon:
            with pytest.raises(NoDaemon):
                daemon.status()
            with pytest.raises(NoDaemon):
                daemon.follow_events()

    def test_a_queue_at_the_door_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(calling, "CONNECT_S", 0.05)
        monkeypatch.setattr(calling, "RETRY_S", 0.01)
        monkeypatch.setattr(calling, "knock", lambda path: None)
        with Client("/busy") as daemon, pytest.raises(TimedOut, match="too busy"):
            daemon.status()


def test_an_error_is_of_the_family() -> None:
    with Client("/nowhere/at/all") as daemon, pytest.raises(ClientError):
        daemon.status()


def _wait(released: threading.Event) -> None:
    released.wait(PATIENCE_S)
