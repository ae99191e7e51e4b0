"""The lines of the control socket: JSON-RPC 2.0, one message a line, read strictly, ASCII written.

Both ends use this module, so it imports next to nothing. A line is refused, never guessed at: bytes
that are not UTF-8, a key given twice, NaN, a number no float holds, nesting that nobody needs.
What is written holds no control byte and nothing above 0x7e, whatever a stranger named his torrent.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

SCHEMA = 1  # of all documents: it grows when a field goes or means another, not when one comes
METAINFO_BYTES_MAX = 32 * 1024 * 1024  # a real info dictionary of 15 MB exists
DEPTH_MAX = 8  # the deepest request has two levels
ID_LENGTH_MAX = 128
LIST_SLICE = 256  # entries encoded at once, so that 10,000 torrents do not hold up the loop

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
REFUSED = 1  # the daemon says no; the message is one sentence for a person
NOT_ALLOWED = 2  # this user may not command this daemon
TOO_BUSY = 3  # too many clients at once, or one that was too slow

_STRING = r'"(?:[^"\\]|\\.)*"'  # compiled when the daemon uses it


class Written(bytes):
    """An entry of a document that is text already, as `write_entry` made it once."""

    __slots__ = ()


class LineError(Exception):
    """A line that is no request: the code and the sentence of the answer."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Request(NamedTuple):
    """`id` is what the answer repeats; a notification has none and is not answered."""

    method: str
    params: dict[str, Json]
    id: int | str | None
    notification: bool


def decode_line(line: bytes) -> Json:
    """One line, with or without its newline. Raises LineError and nothing else."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise LineError(PARSE_ERROR, "the request is not UTF-8") from None
    if _depth(text) > DEPTH_MAX:
        raise LineError(PARSE_ERROR, f"the request is nested deeper than {DEPTH_MAX} levels")
    try:
        value: Json = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite
        )
    except (ValueError, RecursionError):  # ValueError: also an integer of 5000 digits
        raise LineError(PARSE_ERROR, "the request is not one JSON document") from None
    return value


def decode_request(line: bytes) -> Request:
    """One line -> a request by JSON-RPC 2.0, parameters by name. Raises LineError."""
    message = decode_line(line)
    if not isinstance(message, dict):
        raise LineError(INVALID_REQUEST, "a request is one JSON object; batches are not taken")
    if message.get("jsonrpc") != "2.0":
        raise LineError(INVALID_REQUEST, 'a request says "jsonrpc": "2.0"')
    unknown = sorted(message.keys() - {"jsonrpc", "id", "method", "params"})
    if unknown:
        raise LineError(INVALID_REQUEST, f'a request has no "{unknown[0][:40]}"')
    method = message.get("method")
    if not isinstance(method, str):
        raise LineError(INVALID_REQUEST, "the method of a request is a string")
    params = message.get("params", {})
    if not isinstance(params, dict):
        raise LineError(INVALID_PARAMS, "the params of a request are an object: they go by name")
    return Request(method, params, _request_id(message.get("id")), "id" not in message)


def encode_line(message: object) -> bytes:
    """One message and its newline. Dataclasses are written as objects of their fields."""
    return b"".join(_encode_slices(message)) + b"\n"


def encode_request(method: str, params: Mapping[str, Json], request_id: int) -> bytes:
    return encode_line({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})


def encode_notification(method: str, params: object) -> bytes:
    return encode_line({"jsonrpc": "2.0", "method": method, "params": params})


def encode_result(request_id: int | str | None, result: object) -> Iterator[bytes]:
    """The answer in slices: a long list is never one piece of memory."""
    yield b'{"jsonrpc":"2.0","id":' + _encode(request_id) + b',"result":'
    yield from _encode_slices(result)
    yield b"}\n"


def encode_error(request_id: int | str | None, code: int, sentence: str) -> bytes:
    error = {"code": code, "message": sentence}
    return encode_line({"jsonrpc": "2.0", "id": request_id, "error": error})


def _encode_slices(value: object) -> Iterator[bytes]:
    """Objects and lists one level down are opened, so that only `LIST_SLICE` entries are whole."""
    if isinstance(value, Mapping):
        yield b"{"
        for number, (key, entry) in enumerate(value.items()):
            yield (b"," if number else b"") + _encode(key) + b":"
            yield from _encode_list(entry) if isinstance(entry, list) else (_encode(entry),)
        yield b"}"
    else:
        yield _encode(value)


def write_entry(value: object) -> Written:
    """For what is asked for again and again, and seldom changes."""
    return Written(_encode(value))


def _encode_list(entries: Sequence[object]) -> Iterator[bytes]:
    yield b"["
    for start in range(0, len(entries), LIST_SLICE):
        comma = b"," if start else b""
        part = entries[start : start + LIST_SLICE]
        if any(isinstance(entry, Written) for entry in part):
            written = (e if isinstance(e, Written) else _encode(e) for e in part)
            yield comma + b",".join(written)
        else:
            yield comma + _encode(part)[1:-1]
    yield b"]"


def _encode(value: object) -> bytes:
    text = json.dumps(value, default=_fields, allow_nan=False, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f").encode("ascii")  # json leaves DEL as it is


def _fields(value: object) -> dict[str, object]:
    """What json cannot write by itself: our dataclasses, all of them with slots."""
    slots: Sequence[str] = getattr(type(value), "__slots__", ())
    if not slots:
        raise TypeError(f"{type(value).__name__} has no place in a JSON document")
    return {name: getattr(value, name) for name in slots}


def _depth(text: str) -> int:
    """The deepest nesting, counted before the parser that would recurse over it."""
    depth = deepest = 0
    for character in re.sub(_STRING, "", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a key is there twice")
    return entries


def _constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("the number is too large")
    return number


def _request_id(value: Json) -> int | str | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and len(value) <= ID_LENGTH_MAX:
        return value
    raise LineError(INVALID_REQUEST, "the id of a request is an integer, a short string or null")
