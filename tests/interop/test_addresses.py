"""An address comes to a running machine and goes again: a DHT node of its own lives there, with its
own id, searches and announces from there, and rests when it is gone (BEP 32, 45). Real processes in
network namespaces, a real libtorrent on the far end."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.libtorrent_client import PORT, wait_until
from tests.interop.libtorrent_world import LibtorrentWorld
from tests.interop.namespaces import ELSEWHERE, HOME, Cable, ip
from tests.interop.payload import Payload, single_file
from tests.interop.test_outage import BACK_S, status, torrentd_at_home
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.dht.node_id import id_fits_host


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
