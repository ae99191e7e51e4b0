"""The blocklist and bans of a whole session: in force before the first packet, in and out."""

from pathlib import Path

from tests.daemon.session_room import PORT, make_config, new_host, run, running, seed, until
from tests.wire.torrents import single_file
from torrentd.config.schema import Config, Network
from torrentd.wire.formats.address import Address

TORRENT = single_file(bytes(100_000), 16384, b"data.bin")


def with_list(config: Config, path: Path) -> Config:
    network = Network(allow_local_addresses=True, blocklist=path)
    return config.model_copy(update={"network": network})


def test_a_list_is_in_force_from_the_start_and_told_in_the_status(tmp_path: Path) -> None:
    async def scenario() -> None:
        here, there = new_host(), new_host()
        path = tmp_path / "list"
        path.write_text(f"us:{there}-{there}\nnonsense\n")
        config = with_list(make_config(tmp_path / "a", here), path)
        async with (
            running(config) as session,
            running(make_config(tmp_path / "b", there)) as other,
        ):
            assert not session._policy.allows_node(Address(there, PORT))
            infohash = await seed(session, TORRENT, tmp_path / "source")
            await seed(other, TORRENT, tmp_path / "source")
            refused = session.status().blocks.refused
            await other.add_peer(infohash, f"{here}:{PORT}")
            await until(lambda: session.status().blocks.refused > refused)
            assert session.peers(infohash) == []
            status = session.status().blocks
            assert (status.path, status.ranges, status.bad_lines) == (str(path), 1, 1)
            session.reconfigure(make_config(tmp_path / "a", here))
            assert session.status().blocks.path is None
            assert session._policy.allows_node(Address(there, PORT))

    run(scenario())


def test_a_missing_list_is_a_warning_and_no_obstacle(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = with_list(make_config(tmp_path, new_host()), tmp_path / "absent")
        async with running(config) as session:
            (warning,) = session.status().warnings
            assert warning.endswith("No such file or directory; nothing is blocked by it")

    run(scenario())
