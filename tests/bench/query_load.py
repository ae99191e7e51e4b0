"""Load for a DHT node: queries of one kind from 32 sources, 4 in flight each, without a pause.

Each query is a new one: its target is random, and its transaction id names the place (source and
which of the four) that the answer frees. A query without an answer for LOST_S is asked again, and
counted as lost.
"""

import os
import selectors
import struct
import time
from dataclasses import dataclass

from tests.bench.batches import SLOT_BYTES, Batch, loopback_socket
from torrentd.wire.formats.bencode import Bencoded, encode

SOURCES, IN_FLIGHT = 32, 4
PLACES = SOURCES * IN_FLIGHT
LOST_S = 0.25
_TARGETS_BYTES = 1 << 20
METHODS = {b"ping": b"", b"find_node": b"target", b"get_peers": b"info_hash"}


@dataclass(frozen=True)
class Answered:
    """What one round showed; `sample` is one of the answers."""

    per_s: float
    lost: int
    sample: bytes


def query(method: bytes, place: int) -> bytes:
    """As mainline clients ask: nothing but what BEP 5 demands, and `v`."""
    arguments: dict[bytes, Bencoded] = {b"id": struct.pack(">H", place // IN_FLIGHT) * 10}
    if METHODS[method]:
        arguments[METHODS[method]] = bytes(20)
    transaction_id = struct.pack(">H", place)
    return encode({b"a": arguments, b"q": method, b"t": transaction_id, b"v": b"LD01", b"y": b"q"})


class QueryLoad:
    """Aims at one node; sources are 127.9.0.1 and so on."""

    def __init__(self, to: tuple[str, int], method: bytes, port: int = 7001) -> None:
        self._sock = loopback_socket("0.0.0.0", port)
        self._out, self._in = Batch(self._sock, PLACES), Batch(self._sock, PLACES)
        for place in range(PLACES):
            self._out.address(place, f"127.9.0.{1 + place // IN_FLIGHT}", to)
            self._out.fill(place, query(method, place))
        self._target_at = query(method, 1).find(bytes(20), 33) if METHODS[method] else None
        self._targets = memoryview(os.urandom(_TARGETS_BYTES))
        self._next_target = 0
        self._asked_at = [0.0] * PLACES
        self._sample = b""

    def run(self, seconds: float) -> Answered:
        """Ask for so long; what is under way at the end is not counted."""
        answered = lost = 0
        selector = selectors.DefaultSelector()
        selector.register(self._sock, selectors.EVENT_READ)
        started_at = now = look_at = time.monotonic()
        self._ask(list(range(PLACES)), now)
        while now < started_at + seconds:
            selector.select(LOST_S)
            now = time.monotonic()
            free = self._answered_places()
            answered += len(free)
            self._ask(free, now)
            if now >= look_at + LOST_S:
                look_at = now
                late = [p for p in range(PLACES) if self._asked_at[p] < now - LOST_S]
                lost += len(late)
                self._ask(late, now)
        selector.close()
        return Answered(answered / (now - started_at), lost, self._sample)

    def close(self) -> None:
        self._sock.close()

    def _answered_places(self) -> list[int]:
        """Answers alone count, not what the node asks the sources; each place at most once."""
        free: dict[int, None] = {}
        for data in self._in.receive():
            if data.endswith(b"1:y1:re"):
                at = data.rindex(b"1:t2:")
                free[data[at + 5] << 8 | data[at + 6]] = None
                self._sample = data
        return list(free)

    def _ask(self, places: list[int], now: float) -> None:
        out, at = self._out, self._target_at
        for index, place in enumerate(places):
            if at is not None:
                begin = place * SLOT_BYTES + at
                start = self._next_target = (self._next_target + 20) % (_TARGETS_BYTES - 20)
                out.data[begin : begin + 20] = self._targets[start : start + 20]
            out.order(index, place)
            self._asked_at[place] = now
        sent = 0
        while sent < len(places):
            took = out.send(len(places) - sent, sent)
            if took == 0:
                break  # what is not sent now is lost, and asked again
            sent += took
