"""A DHT node at a public-looking address that names forbidden ones, as nodes and as peers, and one
honest peer (T30). It runs until it is killed.

    python -m tests.interop.liar ADDRESS
"""

import socket
import subprocess
import sys
import threading
from itertools import cycle, islice

from tests.interop.namespaces import in_namespace
from tests.vectors.addresses import NEVER_CONTACT
from torrentd.dht.krpc import Query, decode_message, encode_response
from torrentd.wire.formats.address import Address, pack_address, parse_host
from torrentd.wire.formats.bencode import Bencoded

PORT = 6881
HONEST_PEER = "13.0.0.1"
PORTS = (6881, 80, 443, 1024, 51413)
NODES_A_REPLY, VALUES_A_REPLY = 8, 40


class Liar:
    """The process, seen from the test. Use as a context manager."""

    def __init__(self, namespace: str, address: str) -> None:
        self._command = in_namespace(namespace, sys.executable, "-m", __name__, address)
        self._named_all = threading.Event()

    def __enter__(self) -> "Liar":
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait(10)
        self._listener.join()
        self._process.stdout.close()

    def has_named_all(self) -> bool:
        return self._named_all.is_set()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline() == "named all\n":
            self._named_all.set()


def main(address: str) -> None:
    hosts = [parse_host(host) for host, _ in NEVER_CONTACT]
    everybody = [pack_address(Address(host, port)) for port in PORTS for host in hosts]
    nodes = cycle([b"\x77" * 19 + bytes([7]) + place for place in everybody if len(place) == 6])
    values, left = cycle(everybody), len(everybody)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, PORT))
        print("ready", flush=True)
        while True:
            data, (host, port) = sock.recvfrom(4096)
            message = decode_message(data)
            if not isinstance(message, Query):
                continue
            told: dict[bytes, Bencoded] = {b"id": b"\x77" * 20, b"token": b"liar"}
            told[b"nodes"] = b"".join(islice(nodes, NODES_A_REPLY))
            if message.method == b"get_peers":
                told[b"values"] = [
                    pack_address(Address(HONEST_PEER, PORT)),
                    *islice(values, VALUES_A_REPLY),
                ]
                left -= VALUES_A_REPLY
            to = Address(host, port)
            sock.sendto(encode_response(message.transaction_id, told, to), to)
            if left <= 0:
                print("named all", flush=True)
                left = len(everybody)


if __name__ == "__main__":
    main(sys.argv[1])
