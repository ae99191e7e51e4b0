"""What the blocking client does beside calls and streams."""

import pytest

from tests.daemon.control_fixture import serve
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.client.blocking import Client
from torrentd.daemon.client.errors import TimedOut


def test_progress_ends_when_all_are_there() -> None:
    with serve(FakeSession(make_torrent(1))) as served, Client(str(served.path)) as daemon:
        seen = []
        for progress in daemon.progress("torrent 1", every_s=0.01):
            seen.append(progress.reached)
            assert progress.status["torrents"][0]["infohash"] == "00000001" * 5
            if len(seen) == 2:
                served.loop.call_soon_threadsafe(served.session.reached.set)
        assert seen[:2] == [False, False] and seen[-1] and seen.count(True) == 1


def test_progress_has_its_time() -> None:
    with serve(FakeSession(make_torrent(1))) as served, Client(str(served.path)) as daemon:
        with pytest.raises(TimedOut):
            list(daemon.progress("all", every_s=0.01, timeout_s=0.05))
        assert daemon.version()["pid"] == 4321
