"""daemon/loading.py: what is on record comes back; of a seeder the record alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.session_room import make_config
from tests.wire.torrents import single_file
from torrentd.daemon.adding import read_request
from torrentd.daemon.known import Known
from torrentd.daemon.loading import load_torrent, load_torrents
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.status import AddRequest
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.store import generations, resume
from torrentd.wire.store.files import FileStamp
from torrentd.wire.store.resume import ResumeState

TORRENT = single_file(b"loading" * 20, name=b"loaded.bin")
COMPLETE = ResumeState(
    infohash=TORRENT.infohash,
    name="loaded.bin",
    download_dir="/srv",
    piece_count=1,
    have=b"\x80",
    names=("loaded.bin",),
    stamps=(FileStamp(140, 5),),
    complete_bytes=140,
)


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    state = StateDir(tmp_path / "state")
    state.torrents.mkdir(parents=True)
    return state


def save(state: StateDir, record: ResumeState, *, metadata: bool = True) -> None:
    resume.save(state.resume_path(record.infohash), replace(record))
    if metadata:
        assert state.save_metadata(TORRENT.infohash, TORRENT.metadata) is None


def loaded(state: StateDir) -> list[Known | ResumeState]:
    return load_torrents(state, state.infohashes())


class TestLoadTorrents:
    def test_one_damaged_record_does_not_hide_the_others(
        self, state: StateDir, tmp_path: Path
    ) -> None:
        config = make_config(tmp_path, "127.0.0.1")
        metainfo = encode_metainfo(TORRENT.metadata)
        save(state, read_request(AddRequest(metainfo=metainfo), config, added_at=0).known.state)
        other = read_request(AddRequest(magnet="ab" * 20), config, added_at=0).known.state
        save(state, other, metadata=False)
        state.resume_path(other.infohash).write_bytes(b"torn")
        (known,) = loaded(state)
        assert isinstance(known, Known)
        assert known.state.infohash == TORRENT.infohash
        assert known.metadata == TORRENT.metadata
        assert known.on_record

    def test_of_a_complete_one_only_the_record_is_read(self, state: StateDir) -> None:
        save(state, COMPLETE)
        (record,) = loaded(state)
        assert isinstance(record, ResumeState)
        assert replace(record, generation=0) == COMPLETE

    @pytest.mark.parametrize(
        "changes",
        [
            {"have": b"\x00"},
            {"complete_bytes": 0},
            {"stamps": ()},
        ],
        ids=["it lacks a piece", "an older record", "no stamps"],
    )
    def test_a_record_that_proves_less_is_loaded_whole(
        self, state: StateDir, changes: dict[str, bytes]
    ) -> None:
        save(state, replace(COMPLETE, **changes))  # type: ignore[arg-type]  # fields of their own type
        (known,) = loaded(state)
        assert isinstance(known, Known) and known.info == TORRENT.info

    def test_without_its_metadata_it_is_no_seeder(self, state: StateDir) -> None:
        save(state, COMPLETE, metadata=False)
        (known,) = loaded(state)
        assert isinstance(known, Known) and known.info is None

    def test_the_generation_before_is_not_believed(self, state: StateDir) -> None:
        save(state, COMPLETE)
        save(state, COMPLETE)
        path = state.resume_path(TORRENT.infohash)
        assert generations.old_path(path).exists()
        path.write_bytes(b"torn")
        (known,) = loaded(state)
        assert isinstance(known, Known) and known.doubtful


class TestLoadTorrent:
    def test_all_of_it_is_read(self, state: StateDir) -> None:
        save(state, COMPLETE)
        known = load_torrent(state, TORRENT.infohash)
        assert known is not None
        assert (known.info, known.metadata) == (TORRENT.info, TORRENT.metadata)

    def test_what_cannot_be_read_is_none(self, state: StateDir) -> None:
        assert load_torrent(state, TORRENT.infohash) is None
