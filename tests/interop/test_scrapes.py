"""Scrapes (BEP 33) as libtorrent's node answers them, and as ours does: the same filters.

libtorrent's Python API cannot ask for a scrape, so a node of our own does, by hand.
"""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from tests.interop.libtorrent_client import dht_client
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.dht.bloom_filter import BloomFilter
from torrentd.dht.krpc import Query, Response, decode_message, encode_query, encode_response
from torrentd.wire.formats.address import Address, pack_host
from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.ids import InfoHash

INFOHASH = InfoHash(b"mnopqrstuvwxyz123456")
PORT = 6881
ANSWER_S = 30.0
SEEDS, PEERS = 3, 2


class Asker:
    """A node at an address of its own that asks one thing at a time, and answers what it is asked
    meanwhile."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._own_id: dict[bytes, Bencoded] = {b"id": socket.inet_aton(host) * 5}
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((host, PORT))
        self._sock.settimeout(1.0)

    def __enter__(self) -> "Asker":
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def ask(
        self, node: str, method: bytes, arguments: dict[bytes, Bencoded], wanted: bytes = b"id"
    ) -> Response:
        """The first response that has what is wanted, asked for again until it comes."""
        query = encode_query(b"qu", method, {**self._own_id, **arguments}, read_only=False)
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            self._sock.sendto(query, (node, PORT))
            response = self._response()
            if response is not None and wanted in response.values:
                return response
        raise AssertionError(f"{node} gives no {wanted.decode()}")

    def announce(self, node: str, *, seed: int) -> None:
        asked: dict[bytes, Bencoded] = {b"info_hash": INFOHASH}
        token = self.ask(node, b"get_peers", asked, b"token").token
        assert token is not None
        told: dict[bytes, Bencoded] = {**asked, b"port": 7000, b"token": token, b"seed": seed}
        self.ask(node, b"announce_peer", told)

    def _response(self) -> Response | None:
        while True:
            try:
                data, source = self._sock.recvfrom(2048)
            except TimeoutError:
                return None
            message = decode_message(data)
            if isinstance(message, Response):
                return message
            if isinstance(message, Query):
                values = {**self._own_id, b"nodes": b""}
                self._sock.sendto(
                    encode_response(message.transaction_id, values, Address(*source)), source
                )


def counted(hosts: list[str]) -> bytes:
    counts = BloomFilter()
    for host in hosts:
        counts.add(pack_host(host))
    return counts.to_bytes()


def test_a_scrape_is_answered_alike(new_host: Callable[[], str], tmp_path: Path) -> None:
    hosts = [new_host() for _ in range(SEEDS + PEERS)]
    with (
        TorrentdProcess(new_host(), tmp_path / "torrentd", bootstrap=["127.0.0.1:9"]) as torrentd,
        dht_client(new_host()) as libtorrent,
    ):
        nodes = torrentd.host, libtorrent.host
        for index, host in enumerate(hosts):
            with Asker(host) as asker:
                for node in nodes:
                    asker.announce(node, seed=int(index < SEEDS))
        with Asker(hosts[0]) as asker:
            for node in nodes:
                scrape: dict[bytes, Bencoded] = {b"info_hash": INFOHASH, b"scrape": 1}
                values = asker.ask(node, b"get_peers", scrape, b"BFsd").values
                assert values[b"BFsd"] == counted(hosts[:SEEDS])
                assert values[b"BFpe"] == counted(hosts[SEEDS:])
