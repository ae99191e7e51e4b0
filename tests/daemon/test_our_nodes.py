"""BEP 45: all nodes of the daemon, as one document."""

from pathlib import Path

from tests.daemon.session_room import run
from tests.daemon.test_discovery import room
from torrentd.wire.formats.ids import InfoHash

INFOHASH = InfoHash(b"mnopqrstuvwxyz123456")


def test_searches_of_all_addresses_are_told(tmp_path: Path) -> None:
    """Nobody answers the first node: all search at once."""

    async def scenario() -> None:
        async with room(tmp_path) as there:
            there.discovery.get_peers(INFOHASH, announce=False)
            assert [s.infohash for s in there.discovery.searches()] == [INFOHASH.hex()] * 2
            status = there.discovery.status()
            assert status.searches_running == 2
            places = [node.listens_at for node in status.families + status.further]
            assert places == [str(endpoint.bound) for endpoint in there.endpoints]

    run(scenario())
