"""The control socket under mutated lines (T11): an answer or a refusal, never an exception.

No BEP applies; the attacker is another local user, or a confused one.
"""

import json
import re

from tests.daemon.fake_session import FakeSession, make_torrent
from tests.fuzz.mutate import INPUTS, check_parser
from torrentd.daemon.control_call import Answer, Call, Document
from torrentd.daemon.control_lines import (
    LineError,
    Request,
    decode_request,
    encode_error,
    encode_result,
)
from torrentd.daemon.control_verbs import Verbs
from torrentd.daemon.status import DataFate, Refused
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import InfoHash

# A fifth of what a parser of remote bytes gets: the attacker has an account, the verbs cost more.
COUNT = INPUTS // 5
_PRINTABLE_LINE = re.compile(rb"[\x20-\x7e]*\n")
_PARAMS = [
    ("status", {"torrents": ["c9e15763", "two"]}),
    ("add", {"uri": "magnet:?xt=urn:btih:" + "ab" * 20, "dir": "/srv", "select": "0,2-5"}),
    ("add", {"metainfo_bytes": 100, "paused": True, "peers": ["192.0.2.1:80"]}),
    ("info", {"torrent": "c9e15763"}),
    ("peers", {"torrent": "two"}),
    ("why", {"torrents": ["two"]}),
    ("files", {"torrent": "two"}),
    ("pieces", {"torrent": "two"}),
    ("export", {"torrent": "two", "metainfo": True}),
    ("pause", {"torrents": ["two"]}),
    ("announce", {"torrents": ["two"]}),
    ("remove", {"torrents": ["c9e15763"], "data": True}),
    ("add-peer", {"torrent": "two", "address": "[2001:db8::1]:6881"}),
    ("wait", {"torrents": ["two"], "until": "metadata", "timeout_s": 1.5}),
    ("dht status", {}),
    ("dht nodes", {}),
    ("dht lookup", {"infohash": "ab" * 20, "follow": True, "timeout_s": 1}),
    ("dht scrape", {"infohash": "ab" * 20}),
    ("dht ping", {"address": "[2001:db8::1]:6881"}),
    ("dht add-node", {"address": "192.0.2.1:6881"}),
    ("version", {}),
]
SEEDS = [
    json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
    for number, (method, params) in enumerate(_PARAMS)
] + [b"[" * 100, b'{"jsonrpc":"2.0","method":"dht"}', b'{"x":1e999,"y":NaN,"\\ud800":"\\udfff"}']


class Session(FakeSession):
    """Answers at once, and forgets what it was told."""

    async def remove(self, infohash: InfoHash, fate: DataFate = "stays") -> list[str]:
        return []

    async def wait(self, infohash: InfoHash, until: str, timeout_s: float | None = None) -> bool:
        return True


class _Said(ProtocolError):
    """The daemon said no, which is an answer."""


def _line(data: bytes) -> None:
    try:
        request = decode_request(data)
        written = b"".join(encode_result(request.id, _document(request)))
    except (LineError, Refused) as refusal:
        _check_ascii(encode_error(None, 1, str(refusal)))
        raise _Said("refused") from None
    _check_ascii(written)
    assert json.loads(written)["id"] == request.id


def _document(request: Request) -> Document:
    session = Session(make_torrent(0xC9E15763, "one"), make_torrent(2, "two"))
    metainfo = b"de" if "metainfo_bytes" in request.params else None
    call = Call(metainfo, lambda: False)
    try:
        Verbs(session).run(request.method, request.params, call).send(None)
    except StopIteration as ended:
        answer: Answer = ended.value
        return answer.document
    raise AssertionError("a verb of this session waits for nothing")


def _check_ascii(line: bytes) -> None:
    assert _PRINTABLE_LINE.fullmatch(line)


def test_no_line_raises_anything_but_a_refusal() -> None:
    check_parser(_line, SEEDS, _Said, count=COUNT)
