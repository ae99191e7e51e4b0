"""The control server over a real socket: answers, refusals, abuse (T42, T43)."""

import json
import os
import resource
import socket
import time

import pytest

from tests.daemon.control_fixture import Document, ask, read_line, serve
from tests.daemon.fake_session import FakeSession, make_hop, make_torrent
from torrentd.daemon import control_stream
from torrentd.daemon.control_lines import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METAINFO_BYTES_MAX,
    METHOD_NOT_FOUND,
    NOT_ALLOWED,
    PARSE_ERROR,
    REFUSED,
    TOO_BUSY,
)
from torrentd.daemon.control_socket import ControlSocketError

ONE = make_torrent(0xC9E15763, "one")


def error_code(answer: Document) -> int:
    error = answer["error"]
    assert isinstance(error, dict)
    code: int = error["code"]
    return code


def last_answer(sock: socket.socket) -> Document:
    """An answer after which the server ends the conversation."""
    answer: Document = json.loads(read_line(sock))
    assert sock.recv(1) == b""
    return answer


class TestAnswers:
    def test_the_answer_repeats_the_id_and_holds_the_document(self) -> None:
        with serve(FakeSession(ONE)) as served, served.connect() as client:
            answer = ask(client, "version")
            assert answer["jsonrpc"] == "2.0" and answer["id"] == 7
            assert isinstance(answer["result"], dict) and answer["result"]["version"] == "1.2.3"

    def test_requests_are_answered_in_their_order(self) -> None:
        with serve(FakeSession(ONE)) as served, served.connect() as client:
            for number in range(200):
                client.sendall(b'{"jsonrpc":"2.0","id":%d,"method":"version"}\n' % number)
            assert [json.loads(read_line(client))["id"] for _ in range(200)] == list(range(200))

    def test_a_notification_is_obeyed_in_silence(self) -> None:
        fake = FakeSession(ONE)
        with serve(fake) as served, served.connect() as client:
            client.sendall(
                b'{"jsonrpc":"2.0","method":"pause","params":{"torrents":["one"]}}\n'
                b'{"jsonrpc":"2.0","method":"bogus"}\n'
            )
            assert ask(client, "version")["id"] == 7
        assert fake.calls == [("pause", ONE.infohash)]

    def test_refusals_leave_the_conversation_open(self) -> None:
        with serve(FakeSession(ONE)) as served, served.connect() as client:
            assert error_code(ask(client, "info", torrent="two")) == REFUSED
            assert error_code(ask(client, "nonsense")) == METHOD_NOT_FOUND
            assert error_code(ask(client, "info")) == INVALID_PARAMS
            assert "result" in ask(client, "info", torrent="one")

    def test_a_client_that_ends_its_side_still_gets_its_answer(self) -> None:
        with serve(FakeSession(ONE)) as served, served.connect() as client:
            client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"dht"}\n')
            client.shutdown(socket.SHUT_WR)
            assert last_answer(client)["id"] == 1

    def test_shutdown_is_answered_first(self) -> None:
        fake = FakeSession(ONE)
        with serve(fake) as served, served.connect() as client:
            assert ask(client, "shutdown")["result"] == {"schema": 1, "stopping": True}
        assert fake.shutdown_requested

    def test_a_fault_of_ours_is_told_to_both_sides(self) -> None:
        """The client hears of it, and the loop's handler, which stops the daemon (style G28)."""
        fake = FakeSession(ONE)
        with serve(fake) as served, served.connect() as client:
            fake.fault = ZeroDivisionError("a bug")
            assert error_code(ask(client, "version")) == INTERNAL_ERROR
            assert client.recv(1) == b""
        assert len(served.faults) == 1 and isinstance(served.faults[0], BaseExceptionGroup)

    def test_a_failing_system_is_a_refusal_and_no_fault(self) -> None:
        fake = FakeSession(ONE)
        with serve(fake) as served, served.connect() as client:
            fake.fault = OSError(28, "No space left on device")
            answer = ask(client, "version")
            assert answer["error"] == {"code": REFUSED, "message": "No space left on device"}
        assert served.faults == []


class TestTelling:
    LOOKUP = (
        b'{"jsonrpc":"2.0","id":1,"method":"dht lookup",'
        b'"params":{"infohash":"abababababababababababababababababababab","follow":true}}\n'
    )

    def test_notifications_come_before_the_answer(self) -> None:
        fake = FakeSession()
        fake.dht.hops = [make_hop(1), make_hop(2, "203.0.113.1")]
        with serve(fake) as served, served.connect() as client:
            client.sendall(self.LOOKUP)
            first, second, last = (json.loads(read_line(client)) for _ in range(3))
            assert first["method"] == "dht lookup" and "id" not in first
            assert [first["params"], second["params"]] == last["result"]["hops"]
            assert "result" in ask(client, "version")

    def test_nobody_asked_nobody_is_told(self) -> None:
        fake = FakeSession()
        fake.dht.hops = [make_hop(1)]
        with serve(fake) as served, served.connect() as client:
            client.sendall(self.LOOKUP.replace(b'"id":1,', b""))
            assert ask(client, "version")["id"] == 7

    def test_a_client_who_does_not_read_is_dropped_and_harms_nobody(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """L4: 100 MB are told; what is kept for him is bounded, and the others get answers."""
        monkeypatch.setattr(control_stream, "STALL_S", 0.2)
        fake = FakeSession()
        fake.dht.lookups_end = False
        with serve(fake) as served, served.connect() as deaf:
            deaf.sendall(self.LOOKUP)
            with served.connect() as other:
                assert "result" in ask(other, "version")
                [lookup] = fake.dht.lookups
                hop = {"peers": ["203.0.113.1:6881"] * 200}  # 5 KB as a line

                def tell() -> None:
                    for _ in range(200):
                        lookup.hops.put(hop)

                for _ in range(100):
                    served.loop.call_soon_threadsafe(tell)
                    assert "result" in ask(other, "version")
                deadline = time.monotonic() + 20
                while fake.dht.lookups and time.monotonic() < deadline:
                    assert "result" in ask(other, "version")
            assert fake.dht.lookups == [], "he was dropped, and nothing is gathered for him"
            assert lookup.hops.missed > 19_000
        assert served.faults == []


class TestMetainfo:
    def test_raw_bytes_come_right_after_the_line(self) -> None:
        fake = FakeSession()
        data = bytes(range(256)) * 20_000  # 5 MB with every byte, so with many newlines
        with serve(fake) as served, served.connect() as client:
            assert "result" in ask(client, "add", data, metainfo_bytes=len(data))
            assert "result" in ask(client, "version")
        assert fake.added[0].metainfo == data

    def test_a_refused_add_leaves_the_lines_in_step(self) -> None:
        with serve(FakeSession()) as served, served.connect() as client:
            answer = ask(client, "add", b"\n\n\n", metainfo_bytes=3, bogus=1)
            assert error_code(answer) == INVALID_PARAMS
            assert "result" in ask(client, "version")

    @pytest.mark.parametrize("size", [0, -1, METAINFO_BYTES_MAX + 1, "3", True, 1.5, 10**300])
    def test_a_size_nobody_can_trust_ends_the_conversation(self, size: object) -> None:
        with serve(FakeSession()) as served, served.connect() as client:
            client.sendall(b"")
            answer = ask(client, "add", b"xyz", metainfo_bytes=size)
            assert error_code(answer) == INVALID_PARAMS
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""

    def test_the_end_within_the_bytes_adds_nothing(self) -> None:
        fake = FakeSession()
        with serve(fake) as served:
            with served.connect() as client:
                client.sendall(
                    b'{"jsonrpc":"2.0","id":1,"method":"add","params":{"metainfo_bytes":9}}\nhalf'
                )
            with served.connect() as client:
                assert "result" in ask(client, "version")
        assert fake.added == []


class TestBrokenFraming:
    def test_an_oversized_request_is_answered_and_the_answer_arrives(self) -> None:
        with serve(FakeSession()) as served, served.connect() as client:
            client.sendall(b"x" * 200_000)
            answer = json.loads(read_line(client))
            assert error_code(answer) == INVALID_REQUEST
            assert "at most 65536 bytes" in answer["error"]["message"]
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""

    @pytest.mark.parametrize("line", [b"\n", b"[" * 60_000 + b"\n", b"GET / HTTP/1.1\r\n"])
    def test_a_line_that_is_no_json_ends_the_conversation(self, line: bytes) -> None:
        with serve(FakeSession()) as served, served.connect() as client:
            client.sendall(line)
            client.shutdown(socket.SHUT_WR)
            assert error_code(last_answer(client)) == PARSE_ERROR

    def test_half_a_request_is_told_so(self) -> None:
        with serve(FakeSession(), request_s=0.05) as served, served.connect() as client:
            client.sendall(b'{"jsonrpc":')
            assert error_code(json.loads(read_line(client))) == TOO_BUSY

    def test_a_gigabyte_line_costs_no_memory(self) -> None:
        with serve(FakeSession()) as served, served.connect() as client:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            chunk = b"x" * 1_000_000
            with pytest.raises(OSError):
                for _ in range(1000):
                    client.sendall(chunk)
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert after - before < 20_000, "KiB"


class TestWhoMay:
    def test_another_user_is_told_and_turned_away(self) -> None:
        fake = FakeSession(ONE)
        with serve(fake, uid=4_000_000_000) as served, served.connect() as client:
            client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"shutdown"}\n')
            client.shutdown(socket.SHUT_WR)
            assert error_code(last_answer(client)) == NOT_ALLOWED
        assert not fake.shutdown_requested

    def test_an_unknown_group_stops_the_start(self) -> None:
        with pytest.raises(ControlSocketError), serve(FakeSession(), group="no such group"):
            pass

    def test_the_socket_is_gone_after_stop_and_was_0660(self) -> None:
        with serve(FakeSession()) as served:
            assert served.path.stat().st_mode & 0o777 == 0o660
        assert not os.path.exists(served.path)


class TestAbuse:
    def test_the_client_that_idles_longest_makes_room(self) -> None:
        with serve(FakeSession(ONE), clients_max=3) as served:
            clients = [served.connect() for _ in range(3)]
            for client in (clients[1], clients[0], clients[2]):
                ask(client, "version")
            with served.connect() as fourth:
                assert "result" in ask(fourth, "version")
            assert error_code(last_answer(clients[1])) == TOO_BUSY
            assert "result" in ask(clients[0], "version")
            for client in clients:
                client.close()

    def test_when_all_are_busy_the_next_is_told(self) -> None:
        with serve(FakeSession(ONE), clients_max=2) as served:
            waiting = [served.connect() for _ in range(2)]
            for client in waiting:
                client.sendall(
                    b'{"jsonrpc":"2.0","id":1,"method":"wait","params":{"torrents":["one"]}}\n'
                )
            assert all(served.session.waits_begun.acquire(timeout=10) for _ in waiting)
            with served.connect() as third:
                third.shutdown(socket.SHUT_WR)
                assert error_code(last_answer(third)) == TOO_BUSY
            served.loop.call_soon_threadsafe(served.session.reached.set)
            for client in waiting:
                assert json.loads(read_line(client))["result"]["reached"] is True
                client.close()

    def test_a_thousand_silent_clients_hold_nobody_up(self) -> None:
        with serve(FakeSession(ONE)) as served:
            crowd = [served.connect() for _ in range(200)]
            slowest = 0.0
            for _ in range(5):
                for idler in crowd[::7]:
                    idler.close()
                crowd += [served.connect() for _ in range(160)]
                asked_at = time.monotonic()
                with served.connect() as client:
                    assert "result" in ask(client, "version")
                slowest = max(slowest, time.monotonic() - asked_at)
            for client in crowd:
                client.close()
        assert slowest < 2.0, "seconds; 0.2 on a machine of one's own"

    def test_a_flood_of_requests_does_not_stop_the_others(self) -> None:
        with serve(FakeSession(ONE)) as served, served.connect() as flood:
            flood.setblocking(False)
            line = b'{"jsonrpc":"2.0","method":"dht"}\n' * 1000
            for _ in range(5):
                try:
                    flood.send(line)
                except BlockingIOError:
                    pass
                with served.connect() as client:
                    assert "result" in ask(client, "version")

    def test_ten_thousand_torrents_are_one_document(self) -> None:
        fake = FakeSession(*(make_torrent(number) for number in range(10_000)))
        with serve(fake) as served, served.connect() as client:
            client.sendall(b'{"jsonrpc":"2.0","id":1,"method":"status"}\n')
            line = bytearray()
            while not line.endswith(b"\n"):
                line += client.recv(1 << 20)
            torrents = json.loads(line)["result"]["torrents"]
        assert [torrent["name"] for torrent in torrents[:2]] == ["torrent 0", "torrent 1"]
        assert len(torrents) == 10_000
