"""Torrents are found by whatever names them."""

from pathlib import Path

import pytest

from tests.daemon.session_room import make_config, new_host, run, running
from torrentd.daemon.status import AddRequest, Refused


class TestFinding:
    def test_a_whole_infohash_is_never_the_name_that_a_stranger_gave(self, tmp_path: Path) -> None:
        """Else `remove` of one torrent removes another."""

        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                first, other = "ab" * 20, "cd" * 20
                await session.add(AddRequest(magnet=f"magnet:?xt=urn:btih:{other}&dn={first}"))
                assert session.find(first).hex() == other  # there is no other that it could be
                await session.add(AddRequest(magnet=first))
                assert session.find(first).hex() == session.find(f" {first.upper()}").hex() == first
                assert [infohash.hex() for infohash in session.select(first)] == [first]

        run(scenario())

    def test_a_torrent_is_found_by_infohash_prefix_or_name(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                first = "abcd" + "0" * 36
                await session.add(AddRequest(magnet=f"magnet:?xt=urn:btih:{first}&dn=One"))
                await session.add(AddRequest(magnet="abcd" + "1" * 36))
                assert session.find(first).hex() == first
                assert session.find("abcd0").hex() == first
                assert session.find("One").hex() == first
                with pytest.raises(Refused, match=r"may be one of abcd0.*, abcd1"):
                    session.find("abcd")
                for selector in ("two", "abc", ""):
                    with pytest.raises(Refused, match="no torrent"):
                        session.find(selector)

        run(scenario())
