"""Moving in: the folder of a real transmission-daemon becomes that of a torrentd which seeds."""

from pathlib import Path

from tests.daemon.session_room import new_host
from tests.interop.libtorrent_client import wait_until
from tests.interop.payload import many_files, single_file
from tests.interop.torrentd_process import TorrentdProcess
from tests.interop.transmission_client import TransmissionClient, require_transmission


def test_what_transmission_seeds_torrentd_seeds_after_an_import(tmp_path: Path) -> None:
    require_transmission()
    payloads = [single_file(tmp_path / "one", 300_000), many_files(tmp_path / "two", 40)]
    with TransmissionClient(new_host(), tmp_path / "transmission") as transmission:
        for payload in payloads:
            transmission.seed(payload)
        transmission.stop()
        with TorrentdProcess(new_host(), tmp_path / "torrentd") as daemon:
            folder = str(transmission.directory)
            assert "many-40-2" in daemon.command("import", "transmission", folder, "--dry-run")
            assert daemon.command("import", "transmission", folder, "--yes").startswith("added 2 ")
            for payload in payloads:
                wait_until(
                    lambda infohash=payload.infohash: (  # type: ignore[misc]  # bound at once
                        daemon.torrent(infohash)["state"] == "seeding"
                    ),
                    60,
                    "its data is proven where it lies",
                )
