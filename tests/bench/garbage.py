"""A flood of datagrams: `rate` a second of one kind, from random addresses of 127.0.0.0/8.

    python -m tests.bench.garbage HOST PORT KIND RATE SECONDS

Prints how many it sent. KIND is one of `random`, `cut` (a query cut short), `queries` (valid ones,
each from another source) and `utp` (what a uTP header looks like).
"""

import os
import random
import sys
import time

from tests.bench.batches import SLOT_BYTES, Batch, loopback_socket
from tests.bench.query_load import query

KINDS = ("random", "cut", "queries", "utp")
PORT = 7002
_SLOTS = 512
_BURST_S = 0.004  # bursts of 400 at 100,000 a second
_POOL_BYTES = 1 << 22


def content(kind: str, rng: random.Random) -> bytes:
    if kind == "random":
        return rng.randbytes(rng.randrange(20, 500))
    if kind == "utp":
        return b"\x41\x00" + rng.randbytes(rng.randrange(18, 100))
    data = query(b"get_peers", rng.randrange(128))
    return data[: rng.randrange(20, len(data) - 1)] if kind == "cut" else data


class Garbage:
    def __init__(self, to: tuple[str, int], kind: str, rng: random.Random) -> None:
        self._sock = loopback_socket("0.0.0.0", PORT)
        self._batch = Batch(self._sock, _SLOTS)
        self._pool = memoryview(os.urandom(_POOL_BYTES))
        self._at = 0
        for slot in range(_SLOTS):
            data = content(kind, rng)
            self._batch.address(slot, "127.1.1.1", to)
            self._batch.fill(slot, data)
            self._batch.order(slot, slot)
        self._fresh_target = kind == "queries"
        self._target_at = query(b"get_peers", 1).find(bytes(20), 33)

    def send(self, count: int) -> int:
        """So many, each from another source (and for another infohash)."""
        batch, at, pool = self._batch, self._at, self._pool
        for slot in range(count):
            at = (at + 23) % (_POOL_BYTES - 23)
            batch.source(slot, pool[at : at + 3])
            if self._fresh_target:
                begin = slot * SLOT_BYTES + self._target_at
                batch.data[begin : begin + 20] = pool[at + 3 : at + 23]
        self._at = at
        sent = 0
        while sent < count:
            sent += max(
                1, batch.send(count - sent, sent)
            )  # one that the kernel refuses is left out
        return sent

    def run(self, per_s: int, seconds: float) -> int:
        """Bursts that keep the rate, or as many as this process can."""
        sent, started_at = 0, time.monotonic()
        while (elapsed := time.monotonic() - started_at) < seconds:
            due = min(int(elapsed * per_s) - sent, _SLOTS)
            if due < per_s * _BURST_S:
                time.sleep(_BURST_S)
                continue
            sent += self.send(due)
        return sent

    def close(self) -> None:
        self._sock.close()


def main() -> None:
    host, port, kind, per_s, seconds = sys.argv[1:]
    garbage = Garbage((host, int(port)), kind, random.Random(1))
    print(garbage.run(int(per_s), float(seconds)), flush=True)
    garbage.close()


if __name__ == "__main__":
    main()
