"""What strangers can make a real torrentd send (T29, T30): over real sockets, for ten seconds."""

import json
import random
import re
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.batches import loopback_socket
from tests.bench.quiet_node import QuietNode
from tests.bench.village import send_from
from tests.dht.makers import query
from tests.interop.liar import HONEST_PEER, Liar
from tests.interop.libtorrent_client import wait_until
from tests.interop.namespaces import WORLD, Cable, in_namespace
from tests.interop.torrentd_process import PORT, TorrentdProcess
from tests.shared import required
from tests.vectors.addresses import NEVER_CONTACT
from torrentd.daemon import interfaces
from torrentd.dht.krpc import PING_BYTES, Query, Response, decode_message
from torrentd.wire.formats.address import parse_host
from torrentd.wire.formats.bencode import Bencoded

HOST, FRIEND = "127.9.40.1", "127.9.41.1"
STRANGERS_PORT = 7005
SECONDS = 10.0
PER_S = 1000
BUDGET_BYTES_PER_S = 16_000
BURST_S = 2
PINGS_PER_S = 11  # of strangers who may be nodes (D10); they are not of the budget
WANT: list[Bencoded] = [b"n4", b"n6"]
PEERS = 20
INFOHASH = b"\x77" * 20
KINDS: dict[bytes, Callable[[bytes, bytes], bytes]] = {
    b"1": lambda t, to: query(b"ping", {}, t),
    b"2": lambda t, to: query(b"find_node", {b"target": to, b"want": WANT}, t),
    b"3": lambda t, to: query(b"get_peers", {b"info_hash": to}, t),
    b"4": lambda t, _: query(b"get_peers", {b"info_hash": INFOHASH, b"want": WANT}, t),
    b"9": lambda t, _: query(b"get_peers", {b"info_hash": INFOHASH, b"scrape": 1}, t),
    b"5": lambda t, to: query(b"get", {b"target": to}, t),
    b"6": lambda t, to: query(b"sample_infohashes", {b"target": to, b"want": WANT}, t),
    b"7": lambda t, to: query(b"announce_peer", {b"info_hash": to, b"token": b"", b"port": 1}, t),
    b"8": lambda t, to: query(b"vote", {}, t),
    b"0": lambda t, _: query(b"put", {b"token": b"", b"v": b"x"}, t),
}


def announce_peers() -> None:
    """So that there is much to tell of INFOHASH."""
    for index in range(PEERS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((f"127.9.42.{index + 1}", PORT))
            sock.settimeout(10)
            sock.sendto(query(b"get_peers", {b"info_hash": INFOHASH}, b"gp"), (HOST, PORT))
            token = None
            while token is None:
                message = decode_message(sock.recv(2048))
                token = message.token if isinstance(message, Response) else None
            given: dict[bytes, Bencoded] = {
                b"info_hash": INFOHASH,
                b"port": PORT,
                b"token": token,
            }
            sock.sendto(query(b"announce_peer", given, b"an"), (HOST, PORT))
            while True:
                message = decode_message(sock.recv(2048))
                if isinstance(message, Response) and message.transaction_id == b"an":
                    break


class Strangers:
    """Each query from another address; whatever comes back to any of them is heard."""

    def __init__(self) -> None:
        self.in_bytes = self.out_bytes = 0  # as torrentd sees it
        self.ratios: dict[bytes, float] = {}
        self._rng = random.Random(1)
        self._sock = loopback_socket("0.0.0.0", STRANGERS_PORT)
        self._sizes: dict[bytes, int] = {}

    def ask(self, number: int) -> None:
        rng = self._rng
        kind = sorted(KINDS)[number % len(KINDS)]
        data = KINDS[kind](kind + number.to_bytes(3), rng.randbytes(20))
        self._sizes[kind] = len(data)
        self.in_bytes += len(data)
        source = bytes([127, rng.randrange(100, 250), rng.randrange(250), rng.randrange(1, 250)])
        send_from(self._sock, source, data, (HOST, PORT))

    def hear(self) -> None:
        while True:
            try:
                data = self._sock.recv(4096)
            except BlockingIOError:
                return
            self.out_bytes += len(data)
            message = decode_message(data)
            if not isinstance(message, Query):
                kind = message.transaction_id[:1]
                ratio = len(data) / self._sizes[kind]
                self.ratios[kind] = max(self.ratios.get(kind, 0.0), ratio)

    def close(self) -> None:
        self._sock.close()


def nodes_good(torrentd: TorrentdProcess) -> object:
    return json.loads(torrentd.command("--json", "dht", "status"))["nodes_good"]


def test_ten_seconds_of_strangers_get_four_times_their_bytes_and_the_budget(
    tmp_path: Path,
) -> None:
    """T29: ≤ 4.0 of each kind of query; ≤ 16 kB/s in all; and a node that we know is served."""
    friend = QuietNode(FRIEND, PORT, (HOST, PORT), known=True)
    strangers = Strangers()
    try:
        with TorrentdProcess(HOST, tmp_path, bootstrap=[f"{FRIEND}:{PORT}"]) as torrentd:
            wait_until(lambda: friend.answered > 2, 20, "the friend is answered")
            wait_until(lambda: nodes_good(torrentd) == 1, 20, "torrentd knows the friend")
            announce_peers()
            friend.begin()
            began_at, number = time.monotonic(), 0
            while (elapsed_s := time.monotonic() - began_at) < SECONDS:
                while number < elapsed_s * PER_S:
                    strangers.ask(number)
                    number += 1
                strangers.hear()
                time.sleep(0.005)
            took_s, share = time.monotonic() - began_at, friend.share
            strangers.hear()
    finally:
        friend.close()
        strangers.close()
    assert sorted(strangers.ratios) == sorted(KINDS)
    assert max(strangers.ratios.values()) <= 4.0
    budget_bytes = BUDGET_BYTES_PER_S * (took_s + BURST_S)
    pings_bytes = PINGS_PER_S * PING_BYTES * took_s
    assert strangers.out_bytes <= 1.05 * budget_bytes + pings_bytes
    assert strangers.out_bytes > 0.5 * BUDGET_BYTES_PER_S * SECONDS  # else it would show nothing
    assert share > 0.5


def test_no_packet_leaves_for_a_forbidden_address(tmp_path: Path) -> None:
    """T30, as strace sees it: a DHT node names nothing but forbidden nodes and peers, and so does a
    magnet. One peer among them is a public one, who is dialled."""
    if shutil.which("strace") is None:
        required("strace", "install it")
    trace = tmp_path / "trace"
    calls = "connect,sendto,sendmsg,sendmmsg"
    strace = ["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={calls}", "-e", "signal=none"]
    forbidden = [parse_host(host) for host, _ in NEVER_CONTACT]
    with Cable() as cable, Liar(cable.world, WORLD[1]) as liar:
        cable.plug()
        with TorrentdProcess(
            "0.0.0.0",
            tmp_path / "torrentd",
            bootstrap=[f"{WORLD[1]}:{PORT}"],
            allow_local=False,
            launcher=lambda *command: in_namespace(cable.home, *strace, *command),
        ) as torrentd:
            named = [f"[{host}]:6881" if ":" in host else f"{host}:6881" for host in forbidden]
            for at in range(0, len(named), 16):
                pe = "".join(f"&x.pe={address}" for address in named[at : at + 16])
                infohash = (INFOHASH + bytes([at])).hex()[2:]
                torrentd.command("add", f"magnet:?xt=urn:btih:{infohash}{pe}")
            wait_until(liar.has_named_all, 30, "every forbidden address was named")
            wait_until(lambda: HONEST_PEER in contacted(trace), 30, "the public peer is dialled")
            torrentd.command("shutdown")  # a signal would end strace
    reached = contacted(trace)
    assert WORLD[1] in reached
    assert reached & set(forbidden) == set()
    asked_for_the_way = set(interfaces.WORLD.values())  # connect(2) of UDP, and nothing is sent
    assert reached <= {WORLD[1], HONEST_PEER, *asked_for_the_way}


def contacted(trace: Path) -> set[str]:
    """Hosts of all calls that the trace has so far."""
    text = trace.read_text(errors="replace") if trace.exists() else ""
    found = re.findall(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"', text)
    return {parse_host(ipv4 or ipv6) for ipv4, ipv6 in found}
