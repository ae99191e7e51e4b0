"""Many complete torrents on record, with their files, laid out without any daemon."""

import random
from pathlib import Path

from tests.daemon.session_room import lay_out
from tests.wire.torrents import Torrent, single_file
from torrentd.config.schema import Config
from torrentd.daemon.state_dir import StateDir
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.store.files import look_at
from torrentd.wire.store.options import DEFAULTS, TorrentOptions
from torrentd.wire.store.resume import ResumeState, encode_state

PIECE_BYTES = 16384


def shelve(
    config: Config, count: int, size_bytes: int = 40_000, options: TorrentOptions = DEFAULTS
) -> list[Torrent]:
    """As an earlier run would have left them."""
    state = StateDir(config.state_dir)
    state.torrents.mkdir(parents=True, exist_ok=True)
    rng = random.Random(count)
    made = []
    for number in range(count):
        name = f"shelf-{number}.bin"
        torrent = single_file(rng.randbytes(size_bytes), PIECE_BYTES, name.encode())
        lay_out(torrent, config.download_dir)
        put_on_record(state, torrent, config.download_dir, name, options)
        made.append(torrent)
    return made


def put_on_record(
    state: StateDir,
    torrent: Torrent,
    download_dir: Path,
    name: str,
    options: TorrentOptions = DEFAULTS,
) -> None:
    piece_count = torrent.info.geometry.piece_count
    record = ResumeState(
        infohash=torrent.infohash,
        name=name,
        download_dir=str(download_dir),
        magnet=f"magnet:?xt=urn:btih:{torrent.infohash.hex()}",
        piece_count=piece_count,
        have=Bitfield.full(piece_count).to_bytes(),
        names=(name,),
        stamps=tuple(look_at(download_dir, [name])),
        options=options,
        complete_bytes=torrent.info.total_bytes,
        generation=1,
    )
    state.resume_path(torrent.infohash).write_bytes(encode_state(record))
    (state.torrents / f"{torrent.infohash.hex()}.metadata").write_bytes(torrent.metadata)
