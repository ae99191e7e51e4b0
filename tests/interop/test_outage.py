"""A real cable is pulled and put back, addresses change, names do not resolve: torrentd goes on by
itself (O4, T40). Real processes in network namespaces, a real libtorrent on the far end."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.interop.libtorrent_client import PORT, wait_until
from tests.interop.libtorrent_world import LibtorrentWorld
from tests.interop.namespaces import ELSEWHERE, HOME, WORLD, Cable, in_namespace, with_names
from tests.interop.payload import Payload, single_file
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.dht.node_id import id_fits_host

SIZE_BYTES = 8 * 2**20
BYTES_PER_S = 2 * 2**20
BACK_S = 30
BOOTSTRAP = [f"{address}:{PORT}" for address in WORLD[:2]]


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


@pytest.fixture(scope="module")
def payload(tmp_path_factory: pytest.TempPathFactory) -> Payload:
    return single_file(tmp_path_factory.mktemp("outage"), SIZE_BYTES)


@pytest.fixture
def world(cable: Cable, payload: Payload) -> Iterator[LibtorrentWorld]:
    with LibtorrentWorld(cable.world, payload, BYTES_PER_S) as world:
        yield world


def torrentd_at_home(
    cable: Cable,
    directory: Path,
    listen: str | list[str] = "0.0.0.0",
    bootstrap: list[str] = BOOTSTRAP,
) -> TorrentdProcess:
    return TorrentdProcess(
        listen,
        directory,
        bootstrap=bootstrap,
        allow_local=False,
        launcher=partial(in_namespace, cable.home),
    )


def status(torrentd: TorrentdProcess) -> dict[str, object]:
    document = json.loads(torrentd.command("--json", "status"))["daemon"]
    assert isinstance(document, dict)
    return document


def warnings(torrentd: TorrentdProcess) -> str:
    return json.dumps(status(torrentd)["warnings"])


def ipv4(torrentd: TorrentdProcess) -> dict[str, object]:
    family = json.loads(torrentd.command("--json", "dht", "status"))["families"][0]
    assert isinstance(family, dict)
    return family


def replies(torrentd: TorrentdProcess) -> int:
    """How many the DHT node has had."""
    count = json.loads(torrentd.command("--json", "dht", "status"))["replies_received"]
    assert isinstance(count, int)
    return count


def answers(torrentd: TorrentdProcess, since_replies: int = 0) -> bool:
    """A node of the DHT counts as good, and somebody has answered since then."""
    return replies(torrentd) > since_replies and ipv4(torrentd)["nodes_good"] != 0


def done_bytes(torrentd: TorrentdProcess, payload: Payload) -> int:
    done = torrentd.torrent(payload.infohash)["done_bytes"]
    assert isinstance(done, int)
    return done


def test_a_cable_is_pulled_in_a_download_and_put_back(
    cable: Cable, world: LibtorrentWorld, payload: Payload, tmp_path: Path
) -> None:
    cable.plug()
    with torrentd_at_home(cable, tmp_path) as torrentd:
        torrentd.command("add", payload.magnet)
        wait_until(lambda: answers(torrentd), BACK_S, "libtorrent's DHT node answers")
        torrentd.command("add-peer", payload.infohash, f"{WORLD[2]}:{PORT}")
        wait_until(lambda: done_bytes(torrentd, payload) > 0, 30, "the download goes on")
        cable.unplug()
        wait_until(lambda: "no network" in warnings(torrentd), 30, "torrentd noticed")
        wait_until(lambda: status(torrentd)["peers_connected"] == 0, 30, "dead links are gone")
        assert done_bytes(torrentd, payload) < SIZE_BYTES
        before = replies(torrentd)
        cable.plug()
        wait_until(lambda: answers(torrentd, before), BACK_S, "libtorrent's DHT node answers again")
        torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        assert payload.is_complete_in(torrentd.downloads)


def test_the_address_changes_in_a_download(
    cable: Cable, world: LibtorrentWorld, payload: Payload, tmp_path: Path
) -> None:
    """Another Wi-Fi: the connections are dead, and the node's id no longer fits (BEP 42)."""
    cable.plug()
    with torrentd_at_home(cable, tmp_path) as torrentd:
        torrentd.command("add", payload.magnet)
        wait_until(lambda: is_known_at(torrentd, HOME), BACK_S, "the votes say where we are")
        torrentd.command("add-peer", payload.infohash, f"{WORLD[2]}:{PORT}")
        wait_until(lambda: done_bytes(torrentd, payload) > 0, 30, "the download goes on")
        cable.unplug()
        cable.plug(ELSEWHERE)
        wait_until(lambda: is_known_at(torrentd, ELSEWHERE), BACK_S, "the votes, and a new id")
        torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        assert payload.is_complete_in(torrentd.downloads)


def is_known_at(torrentd: TorrentdProcess, address: str) -> bool:
    family = ipv4(torrentd)
    fits = id_fits_host(bytes.fromhex(str(family["node_id"])), address)
    return family["external_address"] == address and fits


def test_no_network_at_boot_and_no_name_that_resolves_later_both(
    cable: Cable, world: LibtorrentWorld, payload: Payload, tmp_path: Path
) -> None:
    """It listens at an address that the machine does not have yet, and knows one name."""
    hosts, resolv = tmp_path / "hosts", tmp_path / "resolv.conf"
    hosts.touch()
    resolv.write_text("nameserver 11.0.0.99\noptions timeout:1 attempts:1\n")  # nobody
    torrentd = TorrentdProcess(
        HOME,
        tmp_path / "torrentd",
        bootstrap=[f"router.example:{PORT}"],
        allow_local=False,
        launcher=lambda *command: in_namespace(cable.home, *with_names(tmp_path, *command)),
    )
    with torrentd:
        torrentd.command("add", payload.magnet)
        torrentd.command("add-peer", payload.infohash, f"{WORLD[2]}:{PORT}")
        assert "no network" in warnings(torrentd) and status(torrentd)["listen_addresses"] == []
        cable.plug()
        wait_until(
            lambda: status(torrentd)["listen_addresses"] == [f"{HOME}:{PORT}"],
            BACK_S,
            "it listens at the address that came",
        )
        torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
        assert payload.is_complete_in(torrentd.downloads)
        assert "does not resolve" in torrentd.log_path.read_text()
        hosts.write_text(f"{WORLD[0]} router.example\n")
        wait_until(lambda: answers(torrentd), BACK_S, "the name resolves, and its node answers")
