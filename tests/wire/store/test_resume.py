"""State files: what was saved is loaded; what anything happened to is noticed (F11, F14; T10)."""

import dataclasses
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors.resume import GOLDEN
from tests.wire.store.crashes import Crash, CrashingOs
from torrentd.wire.formats.bencode import STATE_LIMITS, Bencoded, decode_dict, encode
from torrentd.wire.formats.errors import ProtocolError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store import generations
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.files import FileStamp
from torrentd.wire.store.options import TorrentOptions
from torrentd.wire.store.resume import (
    VERSION,
    FutureVersion,
    Place,
    ResumeState,
    decode_state,
    encode_state,
    load,
    save,
)

HEAD_BYTES = 28
CHECKSUM_BYTES = 32
STATE = ResumeState(
    infohash=InfoHash(b"i" * 20),
    name="a näme",
    download_dir="/srv/downloads",
    magnet="magnet:?xt=urn:btih:" + "69" * 20,
    added_at=1_700_000_000,
    paused=True,
    select=(0, 2),
    piece_count=11,
    have=b"\xa5\x20",
    names=("root/a", "", "root/b"),
    stamps=(FileStamp(5, 1_700_000_000_123_456_789), None, None),
    downloaded_bytes=2**40,
    uploaded_bytes=3,
    generation=7,
)


def copy(state: ResumeState = STATE) -> ResumeState:
    return dataclasses.replace(state)


def sealed(head: bytes, body: bytes) -> bytes:
    """A file with a right checksum, whatever it says."""
    return head + hashlib.blake2b(head + body, digest_size=CHECKSUM_BYTES).digest() + body


def with_body(**changes: "Bencoded | None") -> bytes:
    """STATE with other fields, in a file that is whole; None takes a field away."""
    data = encode_state(STATE)
    body = decode_dict(data[HEAD_BYTES + CHECKSUM_BYTES :], STATE_LIMITS)
    for key, value in changes.items():
        if value is None:
            del body[key.encode()]
        else:
            body[key.encode()] = value
    raw = encode(body)
    return sealed(data[:20] + len(raw).to_bytes(8), raw)


class TestFormat:
    def test_a_state_survives(self) -> None:
        assert decode_state(encode_state(STATE)) == STATE

    def test_options_survive_and_their_default_is_not_written(self) -> None:
        state = dataclasses.replace(
            STATE,
            options=TorrentOptions(labels=("a",), sequential=True),
            done_at=5,
            pause_reason="ratio > 2: pause",
            moving_to=Place("/srv/new", ("root/a", "", "root/c")),
            moved_from=Place("/srv/old", STATE.names),
        )
        assert decode_state(encode_state(state)) == state
        assert b"options" not in encode_state(STATE)

    @pytest.mark.parametrize("version", GOLDEN)
    def test_a_file_of_every_version_loads(self, version: int) -> None:
        assert decode_state(GOLDEN[version]) == STATE

    def test_every_version_has_its_golden_file(self) -> None:
        assert list(GOLDEN) == list(range(1, VERSION + 1))
        assert encode_state(STATE) == GOLDEN[VERSION]

    def test_a_magnet_without_metadata_survives(self) -> None:
        state = ResumeState(InfoHash(b"i" * 20), "", "/x")
        assert decode_state(encode_state(state)) == state

    def test_names_of_people_that_no_file_can_hold_are_made_ones_that_can(self) -> None:
        state = dataclasses.replace(STATE, name="\ud800" + "é" * 100_000)
        assert decode_state(encode_state(state)).name.startswith("?ééé")

    def test_a_download_folder_of_any_bytes_survives(self) -> None:
        state = dataclasses.replace(STATE, download_dir="/srv/\udcff")
        assert decode_state(encode_state(state)).download_dir == "/srv/\udcff"

    def test_fields_of_a_newer_minor_kind_are_passed_over(self) -> None:
        assert decode_state(with_body(something_new=[1, b"x"])) == STATE

    def test_every_truncation_is_noticed(self) -> None:
        data = encode_state(STATE)
        for length in range(len(data)):
            with pytest.raises(ProtocolError):
                decode_state(data[:length])

    def test_every_flipped_bit_is_noticed(self) -> None:
        data = encode_state(STATE)
        for bit in range(len(data) * 8):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            with pytest.raises(ProtocolError):
                decode_state(bytes(flipped))

    @pytest.mark.parametrize("extra", [b"\0", b"x" * 100])
    def test_bytes_behind_the_end_are_noticed(self, extra: bytes) -> None:
        with pytest.raises(ProtocolError):
            decode_state(encode_state(STATE) + extra)

    @pytest.mark.parametrize(
        "changes",
        [
            {"have": b"\xa5"},
            {"have": b"\xa5\x20\x00"},
            {"have": b"\xa5\x01"},
            {"piece_count": 12 * 8},
            {"piece_count": -1},
            {"piece_count": 2**63 - 1},
            {"downloaded_bytes": -1},
            {"uploaded_bytes": b"1"},
            {"infohash": b"i" * 19},
            {"name": b"\xff"},
            {"download_dir": b"relative"},
            {"download_dir": b"/a\0"},
            {"names": [b"../a", b"", b"b"]},
            {"names": [b"/a", b"", b"b"]},
            {"names": [b"a", b"a", b"b"]},
            {"names": [1, b"a", b"b"]},
            {"names": [b"\xff", b"", b"b"]},
            {"names": b"abc"},
            {"stamps": b"x" * 47},
            {"stamps": b"x" * 32},
            {"select": [-1]},
            {"select": [2**40]},
            {"select": [b"0"]},
            {"paused": 2},
            {"options": [b"a"]},
            {"moving_to": b"/srv"},
            {"moving_to": {b"download_dir": b"srv", b"names": []}},
            {"moving_to": {b"download_dir": b"/srv", b"names": [b"a"]}},
            {"moved_from": {b"download_dir": b"/srv", b"names": [b"../a"]}},
            {"options": {b"sequential": 2}},
            {"added_at": -5},
            *({key: None} for key in ("have", "names", "infohash", "paused", "magnet", "stamps")),
        ],
    )
    def test_a_whole_file_that_says_nonsense_is_refused(self, changes: dict[str, Bencoded]) -> None:
        with pytest.raises(ProtocolError):
            decode_state(with_body(**changes))


class TestSaveAndLoad:
    def test_what_was_saved_is_loaded(self, tmp_path: Path) -> None:
        path, state = tmp_path / "x.resume", copy()
        save(path, state)
        assert state.generation == STATE.generation + 1
        loaded = load(path)
        assert (loaded.state, loaded.recovered, loaded.set_aside) == (state, False, [])

    def test_nothing_is_loaded_from_nothing(self, tmp_path: Path) -> None:
        loaded = load(tmp_path / "x.resume")
        assert (loaded.state, loaded.recovered, loaded.set_aside) == (None, False, [])

    @pytest.mark.parametrize("damage", [b"", b"garbage", b"\0" * 500])
    def test_a_damaged_file_is_set_aside_and_the_previous_one_taken(
        self, tmp_path: Path, damage: bytes
    ) -> None:
        path, state = tmp_path / "x.resume", copy()
        save(path, state)
        save(path, state)
        path.write_bytes(damage)
        loaded = load(path)
        assert loaded.state is not None and loaded.state.generation == STATE.generation + 1
        assert loaded.recovered
        assert [aside.read_bytes() for aside in loaded.set_aside] == [damage]
        assert not path.exists()
        save(path, loaded.state)
        assert load(path).state == loaded.state

    def test_two_damaged_files_are_both_set_aside(self, tmp_path: Path) -> None:
        path = tmp_path / "x.resume"
        path.write_bytes(b"1")
        generations.old_path(path).write_bytes(b"2")
        loaded = load(path)
        assert loaded.state is None and loaded.recovered
        assert sorted(aside.read_bytes() for aside in loaded.set_aside) == [b"1", b"2"]

    def test_a_future_version_is_left_untouched(self, tmp_path: Path) -> None:
        path = tmp_path / "x.resume"
        data = encode_state(STATE)
        body = b"a body of the future"
        newer = sealed(data[:8] + (2).to_bytes(4) + data[12:20] + len(body).to_bytes(8), body)
        path.write_bytes(newer)
        with pytest.raises(FutureVersion):
            load(path)
        assert path.read_bytes() == newer

    def test_a_folder_that_is_gone_is_a_store_error(self, tmp_path: Path) -> None:
        state = copy()
        with pytest.raises(StoreError):
            save(tmp_path / "nowhere" / "x.resume", state)
        assert state.generation == STATE.generation

    def test_a_crash_at_any_call_loads_the_old_or_the_new(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        crashes = 0
        for survives in range(30):
            path, state = tmp_path / f"{survives}.resume", copy()
            save(path, state)
            state.downloaded_bytes += 1
            monkeypatch.setattr(generations, "os", CrashingOs(survives, torn=True))
            try:
                save(path, state)
            except Crash:
                crashes += 1
            monkeypatch.undo()
            loaded = load(path)
            assert loaded.state is not None and not loaded.recovered
            assert loaded.state.downloaded_bytes - STATE.downloaded_bytes in (0, 1)
            assert loaded.state.have == STATE.have
        assert 5 < crashes < 30


names = st.lists(st.from_regex(r"\A[a-z]{1,8}(/[a-z]{1,8}){0,2}\Z"), max_size=6, unique=True)


@st.composite
def states(draw: st.DrawFn) -> ResumeState:
    piece_count = draw(st.integers(0, 40))
    have = bytearray((piece_count + 7) // 8)
    for piece_index in draw(st.sets(st.integers(0, 39))):
        if piece_index < piece_count:
            have[piece_index // 8] |= 0x80 >> piece_index % 8
    paths = draw(names)
    counters = st.integers(0, 2**63 - 1)
    stamp = st.none() | st.builds(FileStamp, st.integers(0, 2**50), st.integers(0, 2**62))
    return ResumeState(
        infohash=InfoHash(draw(st.binary(min_size=20, max_size=20))),
        name=draw(st.text(st.characters(codec="utf-8"))),
        download_dir="/" + draw(st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
        added_at=draw(counters),
        paused=draw(st.booleans()),
        select=draw(st.none() | st.lists(st.integers(0, 199_999)).map(tuple)),
        piece_count=piece_count,
        have=bytes(have),
        names=tuple(paths),
        stamps=tuple(draw(st.lists(stamp, min_size=len(paths), max_size=len(paths)))),
        downloaded_bytes=draw(counters),
        uploaded_bytes=draw(counters),
        generation=draw(counters),
    )


@given(states())
def test_every_state_survives(state: ResumeState) -> None:
    assert decode_state(encode_state(state)) == state
