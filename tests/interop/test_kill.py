"""kill -9 at any moment: nothing lost, nothing wrong, nothing claimed (F1, F2; T35)."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import libtorrent as lt

from tests.interop.libtorrent_client import LibtorrentClient, wait_until
from tests.interop.payload import Payload, single_file
from tests.interop.torrentd_process import TorrentdProcess
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.store import resume

KILL_COUNT = int(os.environ.get("TORRENTD_KILLS", "20"))  # `make kill`: 200
SHARED_MEMORY = Path("/dev/shm")  # another file system than that of most things
COMMANDS_KILLED = KILL_COUNT // 2
SIZE_BYTES = max(48, 2 * KILL_COUNT) * 2**20
PIECE_BYTES = 256 * 1024
SEEDER_BYTES_PER_S = 4 * 2**20
# What a kill may cost: the pieces half done at that moment, and what is still in the sockets.
IN_FLIGHT_BYTES_MAX = 4 * PIECE_BYTES


def pieces_on_record(torrentd: TorrentdProcess, payload: Payload) -> list[int]:
    """The pieces that the resume file claims, whatever generation would be loaded."""
    state = resume.load(torrentd.state / "torrents" / f"{payload.infohash}.resume").state
    if state is None or not state.piece_count:
        return []
    return list(Bitfield.from_bytes(state.have, state.piece_count))


def assert_every_claim_is_true(torrentd: TorrentdProcess, payload: Payload) -> int:
    """Each piece on record is on disk, byte for byte; how many there are."""
    claimed = pieces_on_record(torrentd, payload)
    original = payload.root.read_bytes()
    copy = torrentd.downloads / payload.root.name
    data = copy.read_bytes() if copy.exists() else b""
    for index in claimed:
        span = slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES)
        assert data[span] == original[span], f"piece {index} is claimed and wrong"
    return len(claimed)


def test_a_download_survives_twenty_kills(new_host: Callable[[], str], tmp_path: Path) -> None:
    """A restart that forgot everything would fetch more than this test allows."""
    rng = random.Random(20260901)
    payload = single_file(tmp_path / "payload", SIZE_BYTES, PIECE_BYTES)
    torrentd = TorrentdProcess(new_host(), tmp_path / "torrentd")
    with LibtorrentClient(new_host()) as seeder, torrentd:
        handle = seeder.seed(payload)
        handle.set_upload_limit(SEEDER_BYTES_PER_S)  # the session's limit spares local peers
        peer = f"{seeder.host}:{seeder.port}"
        torrentd.command("add", str(payload.torrent_path))
        on_record = 0
        for _ in range(KILL_COUNT):
            torrentd.command("add-peer", payload.infohash, peer)
            target = uploaded_bytes(handle) + rng.randrange(1, SIZE_BYTES // KILL_COUNT)
            wait_until(partial(has_uploaded, handle, target), 60, "the download goes on")
            assert uploaded_bytes(handle) < SIZE_BYTES, "killed too late to prove anything"
            torrentd.kill()
            previously, on_record = on_record, assert_every_claim_is_true(torrentd, payload)
            assert on_record >= previously, "a piece on record was lost"
            torrentd.start()
        torrentd.command("add-peer", payload.infohash, peer)
        torrentd.command("wait", payload.infohash, "--timeout", "240", timeout_s=250)
        fetched_bytes = uploaded_bytes(handle)
    assert payload.is_complete_in(torrentd.downloads)
    assert fetched_bytes <= SIZE_BYTES + KILL_COUNT * IN_FLIGHT_BYTES_MAX


def test_kills_amid_commands_lose_no_torrent_and_no_byte(
    new_host: Callable[[], str], tmp_path: Path
) -> None:
    """While one is added, checked, removed, or its record is written. What was acknowledged is so
    after the restart; what was not may be either."""
    rng = random.Random(20260902)
    payloads = {
        payload.infohash: payload
        for payload in (
            single_file(tmp_path / f"payload {seed}", 3 * 2**20, seed=seed) for seed in range(3)
        )
    }
    there: dict[str, bool] = dict.fromkeys(payloads, False)
    torrentd = TorrentdProcess(new_host(), tmp_path / "torrentd")
    with torrentd:
        for _ in range(COMMANDS_KILLED):
            infohash = rng.choice(list(payloads))
            verb = rng.choice(["verify", "pause", "resume", "remove"]) if there[infohash] else "add"
            acknowledged = killed_amid(torrentd, verb, payloads[infohash], rng)
            torrentd.start()
            known = loaded(torrentd)
            for other, expected in there.items():
                assert other == infohash or (other in known) is expected, "another torrent is lost"
            if acknowledged and verb in ("add", "remove"):
                assert (infohash in known) is (verb == "add"), f"{verb} was acknowledged"
            elif verb not in ("add", "remove"):
                assert infohash in known
            there[infohash] = infohash in known
        for infohash in loaded(torrentd):
            torrentd.command("resume", infohash)
            torrentd.command("wait", infohash, "--timeout", "30")
            assert torrentd.torrent(infohash)["downloaded_bytes"] == 0, "it had all of it"
    for payload in payloads.values():
        assert payload.is_complete_in(payload.parent), "the user's own file"


def killed_amid(torrentd: TorrentdProcess, verb: str, payload: Payload, rng: random.Random) -> bool:
    """Whether the daemon acknowledged the command before it was killed."""
    arguments = [verb, payload.infohash]
    if verb == "add":
        arguments = ["add", str(payload.torrent_path), "--dir", str(payload.parent)]
    command = begin(torrentd, *arguments)
    before = torrentd.log_path.stat().st_size
    deadline = time.monotonic() + rng.uniform(0.05, 0.3)  # about when the command arrives
    while time.monotonic() < deadline and torrentd.log_path.stat().st_size == before:
        pass
    torrentd.kill()
    return command.wait(timeout=30) == 0


def begin(torrentd: TorrentdProcess, *arguments: str) -> "subprocess.Popen[bytes]":
    """torrentctl, on its way."""
    return subprocess.Popen(
        [sys.executable, "-m", "torrentd.daemon.ctl.main", "--socket", torrentd.socket, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def loaded(torrentd: TorrentdProcess) -> set[str]:
    """The torrents that the daemon knows."""
    document = json.loads(torrentd.command("--json", "status"))
    return {torrent["infohash"] for torrent in document["torrents"]}


def is_gone(path: Path) -> bool:
    return not path.exists()


def uploaded_bytes(handle: lt.torrent_handle) -> int:
    uploaded: int = handle.status().total_payload_upload
    return uploaded


def has_uploaded(handle: lt.torrent_handle, target_bytes: int) -> bool:
    return uploaded_bytes(handle) >= min(target_bytes, SIZE_BYTES)


def test_data_that_is_moved_amid_kills_arrives_whole(
    new_host: Callable[[], str], tmp_path: Path
) -> None:
    """To and fro between two file systems, where there are two; killed at any moment of it."""
    rng = random.Random(20260903)
    payload = single_file(tmp_path / "payload", 64 * 2**20, PIECE_BYTES)
    content = payload.root.read_bytes()
    torrentd = TorrentdProcess(new_host(), tmp_path / "torrentd")
    with TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as elsewhere:
        places = [payload.parent, Path(elsewhere)]
        with torrentd:
            torrentd.command("add", str(payload.torrent_path), "--dir", str(places[0]))
            torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
            for number in range(1, 6):
                target = places[number % 2]
                command = begin(torrentd, "move", payload.infohash, str(target))
                time.sleep(rng.uniform(0.1, 0.4))
                torrentd.kill()
                command.wait(timeout=30)
                torrentd.start()
                torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
                torrentd.ctl("move", payload.infohash, str(target))  # unless that was heard
                torrentd.command("wait", payload.infohash, "--timeout", "60", timeout_s=70)
                assert (target / payload.root.name).read_bytes() == content
                left = places[1 - number % 2] / payload.root.name
                wait_until(partial(is_gone, left), 20, "nothing is left where it was")
            assert torrentd.torrent(payload.infohash)["downloaded_bytes"] == 0
            assert sorted(places[1].iterdir()) == [places[1] / payload.root.name]
