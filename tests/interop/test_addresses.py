"""An address comes to a running machine and goes again: a DHT node of its own lives there, with its
own id, searches and announces from there, and rests when it is gone (BEP 32, 45). Real processes in
network namespaces, a real libtorrent on the far end."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.interop.libtorrent_client import PORT, wait_until
from tests.interop.libtorrent_world import LibtorrentWorld
from tests.interop.namespaces import ELSEWHERE, HOME, ROUTER, WORLD, Cable, ip
from tests.interop.payload import Payload, single_file
from tests.interop.test_outage import BACK_S, ipv4, replies, status, torrentd_at_home
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.dht.node_id import id_fits_host

HOME6 = "2a00:1::2"
ROUTER6 = "2a00:1::1"
WORLD6 = (ROUTER6, "2a01:1::1", "2a02:1::1", "2a03:1::1")


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


@pytest.fixture
def payload(tmp_path: Path) -> Payload:
    return single_file(tmp_path / "payload", 64 * 1024)


def further(torrentd: TorrentdProcess) -> dict[str, object] | None:
    """The node of the second address, while there is one."""
    nodes = json.loads(torrentd.command("--json", "dht", "status"))["further"]
    assert isinstance(nodes, list) and len(nodes) <= 1
    return nodes[0] if nodes else None


def is_at_home(torrentd: TorrentdProcess) -> bool:
    """It knows nodes, and its id fits the address at which they see it (BEP 42)."""
    node = further(torrentd)
    return (
        node is not None
        and node["nodes_good"] != 0
        and node["external_address"] == ELSEWHERE
        and id_fits_host(bytes.fromhex(str(node["node_id"])), ELSEWHERE)
    )


def test_an_address_comes_goes_and_comes_again(
    cable: Cable, payload: Payload, tmp_path: Path
) -> None:
    cable.plug()
    listen = [HOME, ELSEWHERE]
    with (
        LibtorrentWorld(cable.world, payload, 1_000_000),
        torrentd_at_home(cable, tmp_path / "torrentd", listen) as torrentd,
    ):
        assert status(torrentd)["listen_addresses"] == [f"{HOME}:{PORT}"]
        assert further(torrentd) is None
        ids = []
        for _ in range(2):
            ip("-n", cable.home, "address", "add", f"{ELSEWHERE}/8", "dev", "home0")
            wait_until(lambda: is_at_home(torrentd), BACK_S, "a node at the address that came")
            node = further(torrentd)
            assert node is not None and node["listens_at"] == f"{ELSEWHERE}:{PORT}"
            ids.append(node["node_id"])
            ip("-n", cable.home, "address", "delete", f"{ELSEWHERE}/8", "dev", "home0")
            wait_until(lambda: further(torrentd) is None, BACK_S, "it rests")
            assert status(torrentd)["listen_addresses"] == [f"{HOME}:{PORT}"]
        assert ids[0] == ids[1]
        assert "listen address is gone" in torrentd.log_path.read_text()


def ipv6(torrentd: TorrentdProcess) -> dict[str, object]:
    found = json.loads(torrentd.command("--json", "dht", "status"))["families"][1]
    assert isinstance(found, dict) and found["family"] == "ipv6"
    return found


def is_joined_by_ipv6(torrentd: TorrentdProcess, since_replies: int) -> bool:
    family = ipv6(torrentd)
    is_known = family["nodes_good"] != 0 and family["external_address"] == HOME6
    is_open = f"[{HOME6}]:{PORT}" in str(status(torrentd)["listen_addresses"])
    return is_open and is_known and replies(torrentd) > since_replies


def test_ipv6_comes_to_a_machine_that_had_none_and_goes_and_returns(
    cable: Cable, payload: Payload, tmp_path: Path
) -> None:
    """BEP 32: its DHT is joined when it is there, and nobody waits for it before."""
    cable.plug()
    for address in WORLD6:
        prefix = 64 if address == ROUTER6 else 128
        ip("-n", cable.world, "address", "add", f"{address}/{prefix}", "dev", "world0", "nodad")
    bootstrap = [f"{ROUTER}:{PORT}", f"[{ROUTER6}]:{PORT}"]
    with (
        LibtorrentWorld(cable.world, payload, 1_000_000, WORLD + WORLD6),
        torrentd_at_home(cable, tmp_path / "torrentd", ["0.0.0.0", HOME6], bootstrap) as torrentd,
    ):
        wait_until(lambda: ipv4(torrentd)["nodes_good"] != 0, BACK_S, "IPv4 is joined")
        assert ipv6(torrentd)["health"] == "joining"
        for _ in range(2):
            before = replies(torrentd)
            ip("-n", cable.home, "address", "add", f"{HOME6}/64", "dev", "home0", "nodad")
            ip("-n", cable.home, "route", "replace", "default", "via", ROUTER6)
            wait_until(partial(is_joined_by_ipv6, torrentd, before), BACK_S, "IPv6 is joined")
            ip("-n", cable.home, "address", "delete", f"{HOME6}/64", "dev", "home0")
            wait_until(
                lambda: status(torrentd)["listen_addresses"] == [f"0.0.0.0:{PORT}"],
                BACK_S,
                "its sockets are closed",
            )
            assert f"[{HOME6}]:{PORT}" in str(status(torrentd)["warnings"])
