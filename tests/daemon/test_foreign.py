"""The state folders of other daemons, as those programs made them (tests/vectors/foreign)."""

import json
import shutil
from pathlib import Path

import pytest

from tests.shared import VECTORS
from torrentd.daemon.foreign import PLACES, READERS, Foreign, ForeignError, read_foreign

SINGLE = "0da5e5a3295e8b1d0bf6f7cdcd0d10bd8f81111c"
MULTI = "ef087dbb33036531180905630597b4c54f57ae5b"
MAGNET = "ab" * 20
DATA = "/tmp/mig/data"


def made_by(client: str, folder: Path) -> Path:
    """Its folder, written out."""
    document = json.loads((VECTORS / "foreign" / f"{client}.json").read_text())
    for name, data in document["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes.fromhex(data))
    return folder


def by_infohash(client: str, folder: Path) -> dict[str, Foreign]:
    return {foreign.infohash: foreign for foreign in read_foreign(client, folder)}


@pytest.mark.parametrize("client", READERS)
class TestEveryClient:
    def test_its_torrents_are_found_with_their_folders(self, client: str, tmp_path: Path) -> None:
        found = by_infohash(client, made_by(client, tmp_path))
        assert found.keys() >= {SINGLE, MULTI}
        for foreign in found.values():
            assert (foreign.folder, foreign.problem) == (DATA, "")
            assert bool(foreign.metainfo) != bool(foreign.magnet)
        assert found[MULTI].name == "multi" and not found[MULTI].paused

    def test_of_every_file_any_part_may_be_missing(self, client: str, tmp_path: Path) -> None:
        """Cut anywhere: sentences, never an exception."""
        folder = made_by(client, tmp_path / "whole")
        files = [path for path in folder.rglob("*") if path.is_file()]
        for path in files:
            data = path.read_bytes()
            for end in range(0, len(data), max(1, len(data) // 20)):
                path.write_bytes(data[:end])
                try:
                    read_foreign(client, folder)
                except ForeignError as error:
                    assert PLACES[client] in str(error)
            path.write_bytes(data)

    def test_a_folder_of_something_else_is_refused_with_the_right_one(
        self, client: str, tmp_path: Path
    ) -> None:
        with pytest.raises(ForeignError, match="there are no torrents of"):
            read_foreign(client, tmp_path)
        with pytest.raises(ForeignError, match="is no folder"):
            read_foreign(client, tmp_path / "absent")


class TestTransmission:
    def test_labels_limits_ratio_and_pause(self, tmp_path: Path) -> None:
        found = by_infohash("transmission", made_by("transmission", tmp_path))
        multi = found[MULTI]
        assert multi.labels == ["films", "old"]
        assert (multi.ratio, multi.download_bytes_per_s_max) == (2.5, 100_000)
        assert multi.upload_bytes_per_s_max == 0
        assert found[SINGLE].paused and found[SINGLE].ratio is None

    def test_a_magnet_is_one_still(self, tmp_path: Path) -> None:
        magnet = by_infohash("transmission", made_by("transmission", tmp_path))[MAGNET]
        assert (magnet.name, magnet.magnet) == ("mag", f"magnet:?xt=urn:btih:{MAGNET}")

    def test_a_newer_one_keeps_magnets_as_text(self, tmp_path: Path) -> None:
        folder = made_by("transmission", tmp_path)
        (folder / "torrents" / f"{MAGNET}.torrent").unlink()
        uri = f"magnet:?xt=urn:btih:{MAGNET}&dn=mag"
        (folder / "torrents" / f"{MAGNET}.magnet").write_text(uri)
        assert by_infohash("transmission", folder)[MAGNET].magnet == uri

    def test_files_that_were_not_wanted_are_not(self, tmp_path: Path) -> None:
        folder = made_by("transmission", tmp_path)
        path = folder / "resume" / f"{MULTI}.resume"
        path.write_bytes(path.read_bytes().replace(b"3:dndli0ei0ee", b"3:dndli0ei1ee"))
        assert by_infohash("transmission", folder)[MULTI].unwanted == [1]


class TestQbittorrent:
    def test_category_tags_files_limits_and_ratio(self, tmp_path: Path) -> None:
        found = by_infohash("qbittorrent", made_by("qbittorrent", tmp_path))
        multi = found[MULTI]
        assert multi.labels == ["films", "good", "old"]
        assert multi.unwanted == [1] and multi.file_count == 2
        assert (multi.ratio, multi.download_bytes_per_s_max) == (2.5, 200_000)
        assert found[SINGLE].paused
        assert found[MAGNET].magnet == f"magnet:?xt=urn:btih:{MAGNET}"

    def test_the_inner_folder_will_do(self, tmp_path: Path) -> None:
        folder = made_by("qbittorrent", tmp_path) / "BT_backup"
        assert len(read_foreign("qbittorrent", folder)) == 3


class TestDeluge:
    def test_a_file_that_it_forgot_is_no_torrent(self, tmp_path: Path) -> None:
        folder = made_by("deluge", tmp_path)
        shutil.copy(folder / "state" / f"{MULTI}.torrent", folder / "state" / "left.torrent")
        (folder / "state" / f"{MULTI}.torrent").unlink()
        assert [foreign.infohash for foreign in read_foreign("deluge", folder)] == [SINGLE, MULTI]
        (folder / "state" / "torrents.state").write_bytes(b"")
        with pytest.raises(ForeignError):
            read_foreign("deluge", folder)


class TestRtorrent:
    def test_data_in_a_folder_of_another_name_is_told(self, tmp_path: Path) -> None:
        folder = made_by("rtorrent", tmp_path)
        path = folder / f"{MULTI.upper()}.torrent.rtorrent"
        path.write_bytes(
            path.read_bytes().replace(b"19:/tmp/mig/data/multi", b"19:/tmp/mig/data/other")
        )
        problem = by_infohash("rtorrent", folder)[MULTI].problem
        assert problem == "its folder is called other: rename it, then add --from /tmp/mig/data"


def test_a_private_torrent_is_told_and_the_others_come(tmp_path: Path) -> None:
    folder = made_by("transmission", tmp_path)
    path = folder / "torrents" / f"{SINGLE}.torrent"
    path.write_bytes(path.read_bytes().replace(b"6:pieces", b"7:privatei1e6:pieces"))
    found = read_foreign("transmission", folder)
    assert sum(bool(foreign.problem) for foreign in found) == 1
    assert len(found) == 3


def test_labels_are_made_such_as_torrentd_has(tmp_path: Path) -> None:
    folder = made_by("transmission", tmp_path)
    path = folder / "resume" / f"{MULTI}.resume"
    path.write_bytes(
        path.read_bytes().replace(b"5:films", b"5:-a*,b").replace(b"3:old", b"3:\x1b[1")
    )
    assert by_infohash("transmission", folder)[MULTI].labels == ["a--b"]
