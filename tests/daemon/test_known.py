"""What is known of a torrent before it runs."""

from dataclasses import replace

from tests.wire.torrents import single_file
from torrentd.daemon.known import Known, display_name, remembered
from torrentd.wire.store.files import FileStamp
from torrentd.wire.store.resume import ResumeState

TORRENT = single_file(bytes(100))
RECORD = ResumeState(
    TORRENT.infohash,
    "name",
    "/downloads",
    piece_count=1,
    have=b"\x80",
    names=("data.bin",),
    stamps=(FileStamp(100, 1),),
)


def test_a_name_that_is_no_utf8_is_still_readable() -> None:
    assert display_name(single_file(b"x", name=b"caf\xe9").info) == "caf\N{REPLACEMENT CHARACTER}"


def test_with_names_on_record_the_files_are_ours() -> None:
    found = remembered(Known(RECORD))
    assert found.names == RECORD.names and found.stamps == RECORD.stamps
    assert found.have is not None and found.have.all()


def test_pieces_of_an_old_record_need_a_check() -> None:
    assert remembered(Known(RECORD, doubtful=True)).stamps == ()


def test_a_record_without_names_is_no_memory_of_data() -> None:
    assert remembered(Known(replace(RECORD, names=()))).have is None
