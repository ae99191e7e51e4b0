"""daemon/resting.py: what a record must say, and what is left of it in memory."""

from dataclasses import replace
from pathlib import Path

import pytest

from torrentd.daemon.resting import Kept, looks_the_same, may_rest, rested, roots
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.files import FileStamp, look_at
from torrentd.wire.store.options import TorrentOptions
from torrentd.wire.store.resume import ResumeState

RECORD = ResumeState(
    infohash=InfoHash(b"i" * 20),
    name="a",
    download_dir="/srv",
    magnet="magnet:?",
    piece_count=3,
    have=b"\xe0",
    names=("a/x", "", "a/y"),
    stamps=(FileStamp(1, 2), None, FileStamp(3, 4)),
    complete_bytes=9,
    options=TorrentOptions(labels=("label",)),
)


@pytest.mark.parametrize(
    ("record", "may"),
    [
        (RECORD, True),
        (replace(RECORD, have=b"\xc0"), False),
        (replace(RECORD, have=b"\xc0", select=(0,)), True),
        (replace(RECORD, complete_bytes=0), False),
        (replace(RECORD, stamps=()), False),
        (replace(RECORD, names=(), stamps=()), False),
    ],
    ids=["complete", "lacks a piece", "of a selection", "older", "no stamps", "no names"],
)
def test_only_a_record_that_claims_all_may_rest(record: ResumeState, may: bool) -> None:
    assert may_rest(record) is may


def test_nothing_that_grows_with_the_torrent_stays() -> None:
    light = rested(RECORD).record
    assert (light.magnet, light.have, light.names, light.stamps) == ("", b"", (), ())
    assert light.complete_bytes == 9 and light.options == RECORD.options


def test_it_is_known_whether_files_were_left_out() -> None:
    """BEP 21, 33: a partial seed is announced as none."""
    assert not rested(RECORD).is_partial
    assert rested(replace(RECORD, have=b"\xc0", select=(0,))).is_partial


def test_one_on_record_is_checked_and_one_that_was_awake_is_not() -> None:
    assert rested(RECORD).state == "checking"
    assert rested(RECORD, Kept()).state == "seeding"
    assert rested(replace(RECORD, paused=True)).state == "paused"


def test_files_look_the_same_until_one_is_touched_or_gone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/x", "a/y"):
        (tmp_path / name).write_bytes(b"data")
    stamps = tuple(look_at(tmp_path, RECORD.names))
    record = replace(RECORD, download_dir=str(tmp_path), stamps=stamps)
    assert looks_the_same(record)
    (tmp_path / "a/x").write_bytes(b"more data")
    assert not looks_the_same(record)
    (tmp_path / "a/x").unlink()
    assert not looks_the_same(record)
    (tmp_path / "a/x").symlink_to("y")
    assert not looks_the_same(record)


def test_it_claims_the_first_component_of_all_its_names() -> None:
    assert roots("/srv", RECORD.names) == ["/srv/a"]
