"""Payloads and torrent files for the real clients: seeded bytes, made quickly."""

import random
from dataclasses import dataclass
from pathlib import Path

import libtorrent as lt


@dataclass(frozen=True)
class Payload:
    """What a seeder holds: `root` below `parent`, and its torrent file."""

    parent: Path
    root: Path
    torrent_path: Path
    infohash: str

    @property
    def magnet(self) -> str:
        return f"magnet:?xt=urn:btih:{self.infohash}"

    def is_complete_in(self, directory: Path, *, empty_files: bool = True) -> bool:
        """Byte for byte, every file of it (or all but the empty ones), and no file more."""
        copy = directory / self.root.name
        if not copy.exists():
            return False
        if self.root.is_file():
            return copy.is_file() and copy.read_bytes() == self.root.read_bytes()
        ours = {
            path.relative_to(self.root)
            for path in self.root.rglob("*")
            if path.is_file() and (empty_files or path.stat().st_size)
        }
        theirs = {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()}
        return ours == theirs and all(
            (self.root / name).read_bytes() == (copy / name).read_bytes() for name in ours
        )


def single_file(parent: Path, size_bytes: int, piece_bytes: int = 65536, seed: int = 1) -> Payload:
    """One file of `size_bytes` random bytes."""
    parent.mkdir(parents=True, exist_ok=True)
    root = parent / f"single-{size_bytes}-{seed}.bin"
    rng = random.Random(seed)
    with root.open("wb") as file:
        for offset in range(0, size_bytes, 1 << 20):
            file.write(rng.randbytes(min(1 << 20, size_bytes - offset)))
    return with_torrent(parent, root, piece_bytes)


def two_files(parent: Path, size_bytes: int, piece_bytes: int = 65536, seed: int = 3) -> Payload:
    """`a` and `b`, of so many bytes each: whole pieces, so that each can be had alone."""
    assert size_bytes % piece_bytes == 0
    root = parent / f"two-{size_bytes}-{seed}"
    root.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    for name in ("a", "b"):
        (root / name).write_bytes(rng.randbytes(size_bytes))
    return with_torrent(parent, root, piece_bytes)


def many_files(parent: Path, count: int, piece_bytes: int = 65536, seed: int = 2) -> Payload:
    """`count` files in folders: most small, some empty, some over several pieces."""
    root = parent / f"many-{count}-{seed}"
    rng = random.Random(seed)
    for number in range(count):
        folder = root / f"folder {number % 17}" / f"åäö-{number % 5}"
        folder.mkdir(parents=True, exist_ok=True)
        size_bytes = 0 if number % 101 == 0 else rng.randrange(1, 6000)
        if number % 500 == 250:
            size_bytes = 3 * piece_bytes + number
        (folder / f"file-{number}.dat").write_bytes(rng.randbytes(size_bytes))
    return with_torrent(parent, root, piece_bytes)


def with_torrent(parent: Path, root: Path, piece_bytes: int) -> Payload:
    files = lt.list_files(str(root))
    creator = lt.create_torrent(files, piece_bytes, lt.create_torrent.v1_only)
    lt.set_piece_hashes(creator, str(parent))
    data = lt.bencode(creator.generate())
    torrent_path = parent / f"{root.name}.torrent"
    torrent_path.write_bytes(data)
    infohash = str(lt.torrent_info(str(torrent_path)).info_hashes().v1)
    return Payload(parent, root, torrent_path, infohash)
