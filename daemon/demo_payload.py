"""The files of the demonstration: made of nothing, described by a torrent, compared in the end."""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

from torrentd.wire.formats.bencode import Bencoded, encode
from torrentd.wire.formats.ids import InfoHash

PIECE_LENGTH = 256 * 1024
COMPARE_BYTES = 1024 * 1024
WRITE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Payload:
    """`root` is the folder that holds the torrent's own folder `name`."""

    root: Path
    name: str
    files: tuple[Path, ...]  # relative to root / name, in the order of the torrent
    size_bytes: int
    infohash: InfoHash
    torrent_file: Path


def make_payload(root: Path, name: str, size_bytes: int, rng: random.Random) -> Payload:
    """A folder of files of uneven sizes, one of them empty, and `<name>.torrent` beside it."""
    sizes = _sizes(size_bytes)
    for path, length in sizes.items():
        target = root / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            for begin in range(0, length, WRITE_BYTES):
                file.write(rng.randbytes(min(WRITE_BYTES, length - begin)))
    info = encode(_info(root, name, tuple(sizes)))
    torrent_file = root / f"{name}.torrent"
    torrent_file.write_bytes(b"d4:info" + info + b"e")
    infohash = InfoHash(hashlib.sha1(info).digest())
    return Payload(root, name, tuple(sizes), size_bytes, infohash, torrent_file)


def first_difference(payload: Payload, download_dir: Path) -> str | None:
    """None when `download_dir` holds exactly the payload; else what differs, in a sentence."""
    ours, theirs = payload.root / payload.name, download_dir / payload.name
    expected = {str(path) for path in payload.files}
    found = {str(path.relative_to(theirs)) for path in theirs.rglob("*") if path.is_file()}
    if found != expected:
        return f"{sorted(found ^ expected)[0]} is there only once"
    for path in payload.files:
        offset = _first_difference(ours / path, theirs / path)
        if offset is not None:
            return f"{path} differs from byte {offset} on"
    return None


def _sizes(size_bytes: int) -> dict[Path, int]:
    """Pieces span these files, and their last bytes fill no block."""
    small = {Path("read me.txt"): 1234, Path("empty"): 0, Path("pictures/cover.jpg"): 98_765}
    rest = size_bytes - sum(small.values())
    return {
        Path("disc 1/part 1.bin"): rest // 2,
        **small,
        Path("disc 2/part 2.bin"): rest - rest // 2,
    }


def _info(root: Path, name: str, paths: tuple[Path, ...]) -> Bencoded:
    files: list[Bencoded] = []
    pieces = bytearray()
    waiting = bytearray()
    for path in paths:
        data = (root / name / path).read_bytes()
        components: list[Bencoded] = [part.encode() for part in path.parts]
        files.append({b"length": len(data), b"path": components})
        waiting += data
        whole = len(waiting) - len(waiting) % PIECE_LENGTH
        for begin in range(0, whole, PIECE_LENGTH):
            pieces += hashlib.sha1(memoryview(waiting)[begin : begin + PIECE_LENGTH]).digest()
        del waiting[:whole]
    if waiting:
        pieces += hashlib.sha1(waiting).digest()
    return {
        b"files": files,
        b"name": name.encode(),
        b"piece length": PIECE_LENGTH,
        b"pieces": bytes(pieces),
    }


def _first_difference(ours: Path, theirs: Path) -> int | None:
    offset = 0
    with ours.open("rb") as our_file, theirs.open("rb") as their_file:
        while True:
            our_part, their_part = our_file.read(COMPARE_BYTES), their_file.read(COMPARE_BYTES)
            if our_part != their_part:
                pairs = enumerate(zip(our_part, their_part, strict=False))
                shorter = min(len(our_part), len(their_part))
                return offset + next((index for index, (a, b) in pairs if a != b), shorter)
            if not our_part:
                return None
            offset += len(our_part)
