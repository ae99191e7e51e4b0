"""A thousand nodes that answer, in one process: what the routing tables of a benchmark fill with.

    python -m tests.bench.village HOST:PORT …          (until its standard input ends)

Node i lives at `host(i)`:PORT under an id of its own, knows all others, and answers ping, find_node
and get_peers with the eight closest of them. One socket serves all: the address that a query came
to (IP_PKTINFO) says who is meant, and the answer leaves from there. Each node greets the addresses
named with a ping, three times in a minute: a table fills in hours by what it hears, and lookups in
so small and well-informed a network meet too few to fill it.
"""

import hashlib
import heapq
import selectors
import socket
import struct
import sys
import time

from torrentd.dht.krpc import Query, decode_message, encode_query, encode_response
from torrentd.wire.formats.address import Address, pack_address
from torrentd.wire.formats.bencode import Bencoded, get_bytes
from torrentd.wire.formats.errors import ProtocolError

PORT = 6999
NODES = 1000
GREETING_S = 0.02  # between two greetings
GREETINGS = 3 * NODES
_IP_PKTINFO = 8  # of Linux; the socket module knows its name from Python 3.12 on


def host(index: int) -> str:
    """Each in a /24 of its own, as a lookup wants them (D4)."""
    return f"127.{20 + index // 250}.{index % 250}.1"


def node_id(index: int) -> bytes:
    return hashlib.sha1(b"village %d" % index).digest()


class Village:
    def __init__(self, count: int = NODES) -> None:
        self._ids = {host(index): node_id(index) for index in range(count)}
        self._compact = [
            (int.from_bytes(found, "big"), found + pack_address(Address(where, PORT)))
            for where, found in self._ids.items()
        ]

    def answer(self, data: bytes, to_host: str, source: Address) -> bytes | None:
        try:
            query = decode_message(data)
        except ProtocolError:
            return None
        if not isinstance(query, Query) or to_host not in self._ids:
            return None
        values: dict[bytes, Bencoded] = {b"id": self._ids[to_host]}
        target = get_bytes(query.arguments, b"target") or get_bytes(query.arguments, b"info_hash")
        if target is not None:
            key = int.from_bytes(target, "big")
            closest = heapq.nsmallest(8, self._compact, key=lambda node: node[0] ^ key)
            values[b"nodes"] = b"".join(compact for _, compact in closest)
        if query.method == b"get_peers":
            values[b"token"] = b"village!"
        return encode_response(query.transaction_id, values, source)

    def greeting(self, index: int) -> bytes:
        return encode_query(b"gr", b"ping", {b"id": node_id(index)}, read_only=False)


def send_from(sock: socket.socket, host_bytes: bytes, data: bytes, to: tuple[str, int]) -> None:
    info = struct.pack("I4s4s", 0, host_bytes, bytes(4))
    sock.sendmsg([data], [(socket.IPPROTO_IP, _IP_PKTINFO, info)], 0, to)


def serve(village: Village, sock: socket.socket) -> None:
    """One datagram."""
    data, ancillary, _, source = sock.recvmsg(2048, 256)
    for level, kind, content in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
            _, _, where = struct.unpack("I4s4s", content[:12])
            answer = village.answer(data, socket.inet_ntoa(where), Address(source[0], source[1]))
            if answer is not None:
                send_from(sock, where, answer, source)


def main() -> None:
    village, greeted, greet_at = Village(), 0, time.monotonic()
    targets = [(name, int(port)) for name, _, port in (a.rpartition(":") for a in sys.argv[1:])]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        sock.bind(("0.0.0.0", PORT))
        selector = selectors.DefaultSelector()
        selector.register(sock, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in selector.select(GREETING_S):
                if key.fileobj is not sock:
                    return
                serve(village, sock)
            if greeted < GREETINGS and time.monotonic() >= greet_at:
                greet_at += GREETING_S
                index = greeted % NODES
                for target in targets:
                    send_from(sock, socket.inet_aton(host(index)), village.greeting(index), target)
                greeted += 1


if __name__ == "__main__":
    main()
