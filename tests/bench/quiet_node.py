"""A node that asks now and then, and counts how often it is answered: whom a flood must not harm.

It runs in a thread of its own. A known one answers what it is asked, so that it has proven its
address; a stranger never does.
"""

import socket
import threading
import time

from torrentd.dht.krpc import Query, Response, decode_message, encode_query, encode_response
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.errors import ProtocolError

ASK_S = 0.25  # four a second, where five are everybody's share
ANSWER_S = 1.0


class QuietNode:
    """`asked` and `answered` are counted since `begin`."""

    def __init__(self, host: str, port: int, node: tuple[str, int], *, known: bool) -> None:
        self.asked = self.answered = 0
        self.round_trips_s: list[float] = []
        self._node_id = socket.inet_aton(host) * 5
        self._node, self._known = node, known
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((host, port))
        self._sock.settimeout(0.02)
        self._stopping = False
        self._sent_at: dict[bytes, float] = {}
        self._thread = threading.Thread(target=self._live)
        self._thread.start()

    def begin(self) -> None:
        self.asked = self.answered = 0
        self.round_trips_s = []

    def close(self) -> None:
        self._stopping = True
        self._thread.join()
        self._sock.close()

    @property
    def share(self) -> float:
        """Of what was asked long enough ago."""
        pending = sum(at > time.monotonic() - ANSWER_S for at in list(self._sent_at.values()))
        return self.answered / max(self.asked - pending, 1)

    def _live(self) -> None:
        ask_at, number = time.monotonic(), 0
        while not self._stopping:
            if time.monotonic() >= ask_at:
                ask_at, number = ask_at + ASK_S, number + 1
                transaction_id = number.to_bytes(2, "big")
                self._sent_at = {  # what is not answered within a second is lost
                    t: at for t, at in self._sent_at.items() if at > time.monotonic() - ANSWER_S
                }
                self._sent_at[transaction_id] = time.monotonic()
                self.asked += 1
                self._send(encode_query(transaction_id, b"ping", {b"id": self._node_id},
                                        read_only=False), self._node)  # fmt: skip
            try:
                data, source = self._sock.recvfrom(2048)
            except TimeoutError:
                continue
            self._hear(data, (source[0], source[1]))

    def _hear(self, data: bytes, source: tuple[str, int]) -> None:
        try:
            message = decode_message(data)
        except ProtocolError:
            return
        if isinstance(message, Response):
            sent_at = self._sent_at.pop(message.transaction_id, None)
            if sent_at is not None:
                self.answered += 1
                self.round_trips_s.append(time.monotonic() - sent_at)
        elif isinstance(message, Query) and self._known:
            values = {b"id": self._node_id, b"nodes": b"", b"token": b"quiet"}
            self._send(
                encode_response(message.transaction_id, {**values}, Address(*source)), source
            )

    def _send(self, data: bytes, to: tuple[str, int]) -> None:
        self._sock.sendto(data, to)
