"""The lines of the control socket: what is refused, and what is written."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.daemon.control_lines import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    LIST_SLICE,
    PARSE_ERROR,
    LineError,
    Request,
    decode_line,
    decode_request,
    encode_error,
    encode_line,
    encode_notification,
    encode_request,
    encode_result,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


def refusal(line: bytes) -> int:
    with pytest.raises(LineError) as caught:
        decode_request(line)
    return caught.value.code


class TestRequests:
    def test_a_request_is_read_whole(self) -> None:
        line = b'{"jsonrpc":"2.0","id":3,"method":"status","params":{"torrents":["c9e1"]}}\n'
        assert decode_request(line) == Request("status", {"torrents": ["c9e1"]}, 3, False)

    def test_params_may_be_left_out(self) -> None:
        request = decode_request(b'{"jsonrpc": "2.0", "id": "x", "method": "dht"}')
        assert request == Request("dht", {}, "x", False)

    def test_without_an_id_it_is_a_notification(self) -> None:
        assert decode_request(b'{"jsonrpc": "2.0", "method": "dht"}').notification
        assert not decode_request(b'{"jsonrpc":"2.0","id":null,"method":"dht"}').notification

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"\n",
            b"{",
            b"hello",
            b"\xff\xfe{}",
            b"[" * 60_000,
            b'{"a":' * 10_000,
            b"[[[[[[[[[1]]]]]]]]]",
            b'{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}',
            b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":NaN}}',
            b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":-Infinity}}',
            b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1e999}}',
            b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":' + b"9" * 5000 + b"}}",
            b'{"jsonrpc":"2.0","id":1,"method":"a"} {}',
        ],
    )
    def test_what_is_not_strict_json_is_a_parse_error(self, line: bytes) -> None:
        assert refusal(line) == PARSE_ERROR

    @pytest.mark.parametrize(
        "line",
        [
            b"[]",
            b"1",
            b"null",
            b'[{"jsonrpc":"2.0","id":1,"method":"status"}]',
            b'{"id":1,"method":"status"}',
            b'{"jsonrpc":2.0,"id":1,"method":"status"}',
            b'{"jsonrpc":"2.0","id":1}',
            b'{"jsonrpc":"2.0","id":1,"method":7}',
            b'{"jsonrpc":"2.0","id":1.5,"method":"status"}',
            b'{"jsonrpc":"2.0","id":true,"method":"status"}',
            b'{"jsonrpc":"2.0","id":[1],"method":"status"}',
            b'{"jsonrpc":"2.0","id":1,"method":"status","extra":1}',
            b'{"jsonrpc":"2.0","id":"' + b"x" * 129 + b'","method":"status"}',
        ],
    )
    def test_json_that_is_no_request_is_invalid(self, line: bytes) -> None:
        assert refusal(line) == INVALID_REQUEST

    def test_params_by_position_are_refused(self) -> None:
        assert refusal(b'{"jsonrpc":"2.0","id":1,"method":"status","params":[1]}') == INVALID_PARAMS

    def test_brackets_inside_a_string_are_no_nesting(self) -> None:
        name = "[" * 100 + '\\"{' * 20
        line = encode_request("add", {"uri": name}, 1)
        assert decode_request(line).params == {"uri": name}

    @given(JSON)
    def test_what_is_written_is_read_back(self, value: object) -> None:
        line = encode_line(value)
        assert json.loads(line) == value
        try:
            assert decode_line(line) == value
        except LineError as error:
            assert "nested" in error.sentence


class TestAnswers:
    @given(st.text())
    def test_no_byte_of_a_line_is_a_control_or_above_ascii(self, text: str) -> None:
        line = encode_line({text: [text, {"name": text}]})
        assert line.endswith(b"\n")
        assert all(0x20 <= byte < 0x7F for byte in line[:-1])

    def test_delete_is_escaped_as_json_alone_would_not(self) -> None:
        assert encode_line("\x7f\x1b\x9b") == b'"\\u007f\\u001b\\u009b"\n'

    def test_a_lone_surrogate_is_written_and_read(self) -> None:
        assert json.loads(encode_line({"result": "\udcff"})) == {"result": "\udcff"}

    @pytest.mark.parametrize("count", [0, 1, LIST_SLICE, LIST_SLICE + 1, 3 * LIST_SLICE])
    def test_a_long_list_in_slices_is_the_same_document(self, count: int) -> None:
        document = {"a": [{"n": number} for number in range(count)], "b": {"c": []}, "d": 1.5}
        slices = list(encode_result(7, document))
        assert json.loads(b"".join(slices)) == {"jsonrpc": "2.0", "id": 7, "result": document}
        assert all(len(part) < LIST_SLICE * 20 for part in slices)

    def test_dataclasses_become_objects_of_their_fields(self) -> None:
        @dataclass(slots=True)
        class Point:
            x: int
            y: list[int]

        assert json.loads(encode_line({"at": Point(1, [2])})) == {"at": {"x": 1, "y": [2]}}

    def test_what_has_no_place_in_a_document_is_our_own_mistake(self) -> None:
        for value in (b"bytes", {1, 2}, float("nan")):
            with pytest.raises((TypeError, ValueError)):
                encode_line({"x": value})

    def test_results_errors_and_notifications(self) -> None:
        result = json.loads(b"".join(encode_result(1, {"a": 1})))
        assert result == {"jsonrpc": "2.0", "id": 1, "result": {"a": 1}}
        error = json.loads(encode_error(1, 5, "no"))
        assert error == {"jsonrpc": "2.0", "id": 1, "error": {"code": 5, "message": "no"}}
        assert json.loads(encode_notification("dht lookup", {"hop": 1})) == {
            "jsonrpc": "2.0", "method": "dht lookup", "params": {"hop": 1},
        }  # fmt: skip
