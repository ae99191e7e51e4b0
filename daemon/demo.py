"""What `make run` shows: a torrent that arrives from peers only a DHT knew about.

Without arguments, all of it on loopback: a private DHT of torrentd daemons, a seeder among them,
and a fresh daemon that is given an infohash and one DHT address. With a magnet: one daemon, that
magnet, its progress in the foreground; what the daemon remembers stays in DIR/.torrentd, so that a
second run goes on.

Exit codes: 0 it arrived; those of torrentctl; 1 when something else failed; 130 after Ctrl-C.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import NoReturn

from torrentd.daemon.ctl.failure import INTERRUPTED
from torrentd.daemon.ctl.quantities import rate, size
from torrentd.daemon.demo_node import POLL_S, DemoFailed, Node, NodeSettings, free_port, undisturbed
from torrentd.daemon.demo_payload import Payload, first_difference, make_payload

NODE_COUNT = 4
SIZE_BYTES = 64 * 1024 * 1024
PORT = 6881
NETWORK_S = 10.0  # a DHT on one machine knows itself within a second
DOWNLOAD_TIMEOUT = "60s"
STATE_DIR_NAME = ".torrentd"


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        if options.source is None:
            return show_private_network(options.size_mib * 1024 * 1024)
        return download(options)
    except DemoFailed as failure:
        print(f"failed: {failure}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped by Ctrl-C; no daemon is left running", file=sys.stderr)
        return INTERRUPTED


def show_private_network(size_bytes: int) -> int:
    """The main job without the internet; returns 0 when it was done and proven."""
    started_at = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torrentd-")))
        hosts = [f"127.0.{number}.1" for number in range(1, NODE_COUNT + 3)]
        port = free_port("0.0.0.0", PORT)
        first = f"{hosts[0]}:{port}"
        nodes = [_node(folder, host, port, first if host != hosts[0] else None) for host in hosts]
        stack.callback(_stop_all, nodes)
        leecher, seeder = nodes[-1], nodes[-2]
        _start_network(nodes[:-1], hosts)
        payload = make_payload(folder / "payload", "demonstration", size_bytes, random.Random())
        _seed(seeder, payload)
        _announced(nodes[:-2])
        _download(leecher, payload, first)
    _say(started_at, "since the start; all daemons are stopped, their files removed")
    return 0


def download(options: argparse.Namespace) -> int:
    """One magnet in the foreground; the exit code of torrentctl."""
    directory = Path(options.dir).absolute()
    directory.mkdir(parents=True, exist_ok=True)
    source: str = options.source
    with ExitStack() as stack:
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torrentd-")))
        settings = NodeSettings(
            state_dir=directory / STATE_DIR_NAME,
            download_dir=directory,
            socket=sockets / "control.sock",
            port=free_port("0.0.0.0", PORT),
            bootstrap=options.bootstrap,
            allow_local_addresses=options.allow_local_addresses,
        )
        node = Node(settings)
        stack.callback(_stop_all, [node])
        node.start()
        node.wait_until_ready()
        print(f"downloading to {directory}; Ctrl-C stops, the same command goes on", flush=True)
        return node.torrentctl("add", source, "--wait")


def _start_network(nodes: list[Node], hosts: list[str]) -> None:
    print(f"starting {len(nodes)} torrentd daemons on loopback …", flush=True)
    started_at = time.monotonic()
    nodes[0].start()
    nodes[0].wait_until_ready()  # the others ask it first, and again only seconds later
    for node in nodes[1:]:
        node.start()
    for node in nodes[1:]:
        node.wait_until_ready()
    deadline = time.monotonic() + NETWORK_S
    while any(node.call("dht").integer("nodes_good") < 2 for node in nodes):
        if time.monotonic() > deadline:
            raise DemoFailed("the nodes of the private DHT do not find each other")
        time.sleep(POLL_S)
    where = f"{hosts[0]} to {hosts[len(nodes) - 1]}"
    _say(started_at, f"a private DHT of {len(nodes)} daemons is up, {where}")


def _seed(seeder: Node, payload: Payload) -> None:
    started_at = time.monotonic()
    arguments = ("add", str(payload.torrent_file), "--dir", str(payload.root))
    if seeder.torrentctl(*arguments, "--wait", "--timeout", DOWNLOAD_TIMEOUT, quiet=True):
        raise DemoFailed(f"the seeder refused the torrent: {seeder.last_words()}")
    files = f"{len(payload.files)} files, {size(payload.size_bytes)} of random bytes"
    _say(started_at, f"one of them seeds a new torrent: {files}")


def _announced(nodes: list[Node]) -> None:
    """The others hold the seeder's address; the fresh daemon would only search again later."""
    started_at = time.monotonic()
    while not any(node.call("dht").integer("peers_stored") for node in nodes):
        if time.monotonic() > started_at + NETWORK_S:
            raise DemoFailed("the seeder was not announced to the DHT")
        time.sleep(POLL_S)
    _say(started_at, "the DHT knows the seeder")


def _download(leecher: Node, payload: Payload, first: str) -> None:
    magnet = f"magnet:?xt=urn:btih:{payload.infohash.hex()}"
    leecher.start()
    leecher.wait_until_ready()
    print(f"a fresh daemon knows one DHT node, {first}, and no peer:", flush=True)
    print(f"$ torrentctl add '{magnet}' --wait", flush=True)
    started_at = time.monotonic()
    if leecher.torrentctl("add", magnet, "--wait", "--timeout", DOWNLOAD_TIMEOUT):
        raise DemoFailed(f"the magnet did not arrive: {leecher.last_words()}")
    took_s = time.monotonic() - started_at
    speed = rate(payload.size_bytes / took_s)
    _say(started_at, f"the magnet arrived, found, fetched and verified at {speed} in all")
    difference = first_difference(payload, leecher.settings.download_dir)
    if difference is not None:
        raise DemoFailed(f"what arrived is not what was seeded: {difference}")
    _say(time.monotonic(), "compared byte for byte: it is what was seeded")


def _node(folder: Path, host: str, port: int, bootstrap: str | None) -> Node:
    own = folder / host
    return Node(
        NodeSettings(
            state_dir=own / "state",
            download_dir=own / "downloads",
            socket=own / "state" / "control.sock",
            port=port,
            host=host,
            bootstrap=[bootstrap] if bootstrap else [],
            allow_local_addresses=True,
        )
    )


def _stop_all(nodes: list[Node]) -> None:
    """Also when Ctrl-C is pressed twice."""
    with undisturbed():
        for node in nodes:
            node.terminate()
        for node in nodes:
            node.stop()


def _say(since: float, sentence: str) -> None:
    print(f"[{time.monotonic() - since:5.1f} s] {sentence}", flush=True)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m torrentd.daemon.demo", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("source", nargs="?", metavar="MAGNET", help="or infohash, or .torrent file")
    parser.add_argument("--dir", default="downloads", help="where the data goes")
    parser.add_argument(
        "--bootstrap",
        action="append",
        metavar="HOST:PORT",
        help="ask this DHT node first, in place of the public ones",
    )
    parser.add_argument(
        "--allow-local-addresses", action="store_true", help="for a DHT on this machine"
    )
    parser.add_argument("--size-mib", type=int, default=SIZE_BYTES // 1024**2, metavar="N")
    return parser


if __name__ == "__main__":
    sys.exit(main())
