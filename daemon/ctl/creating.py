"""`torrentctl create`: a torrent file of what lies here; no daemon is asked, unless it is to seed.

The one place of torrentctl that hashes; what it needs of the engine is imported when it is used.
"""

import errno
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.escape import escape
from torrentd.daemon.ctl.failure import REFUSED, USAGE, Failure
from torrentd.daemon.ctl.quantities import duration, percent, rate, size
from torrentd.daemon.ctl.sentences import many, short_name

LINE_EVERY_S = 10.0
PRIVATE = (
    "torrentd makes no private torrents: they forbid the DHT and peer exchange, and only a tracker "
    "could take their place (BEP 27)"
)


class Created(NamedTuple):
    """`metainfo` stands in the file at `path` now; `parent` is where its data is."""

    document: dict[str, Json]
    metainfo: bytes
    parent: str


def create(
    path: str,
    output: str | None,
    piece_length: int | None,
    comment: str | None,
    web_seeds: Sequence[str],
    quiet: bool,
) -> Created:
    """Raises Failure with one sentence; then no file was left."""
    from torrentd.daemon.version import VERSION
    from torrentd.wire.formats.creation import encode_new_torrent
    from torrentd.wire.formats.magnet import Magnet, encode_magnet
    from torrentd.wire.formats.metainfo import decode_metainfo

    there = Path(os.path.abspath(path))
    if not there.name:
        raise Failure(USAGE, f"{path} has no name; name a folder below it")
    file = os.path.abspath(output or f"{there.name}.torrent")
    _check(file, web_seeds)
    metadata, left_out = _hash(there, piece_length, quiet)
    metainfo = encode_new_torrent(
        metadata,
        created_by=f"torrentd {VERSION}",
        created_at=int(time.time()),
        comment=comment,
        web_seeds=web_seeds,
    )
    made = decode_metainfo(metainfo)
    _write(file, metainfo)
    document: dict[str, Json] = {
        "infohash": made.infohash.hex(),
        "name": there.name,
        "file": file,
        "size_bytes": made.info.total_bytes,
        "file_count": len(made.info.files),
        "piece_length_bytes": made.info.piece_length,
        "piece_count": made.info.geometry.piece_count,
        "left_out": [str(each) for each in left_out],
        "magnet": encode_magnet(Magnet(made.infohash, there.name, web_seeds=made.web_seeds)),
    }
    return Created(document, metainfo, str(there.parent))


def _hash(path: Path, piece_length: int | None, quiet: bool) -> tuple[bytes, list[Path]]:
    """The info dictionary, and what was left out."""
    from torrentd.wire.formats.creation import (
        check_outline,
        check_piece_length,
        choose_piece_length,
        encode_info,
    )
    from torrentd.wire.formats.errors import MetainfoError
    from torrentd.wire.store.api import StoreError
    from torrentd.wire.store.contents import Contents

    try:
        contents = Contents(path)
        check_outline(contents.outline)
        total_bytes = contents.outline.total_bytes
        chosen = piece_length or choose_piece_length(total_bytes)
        check_piece_length(chosen)
        with _progress(path.name, total_bytes, quiet) as progress:
            hashes = contents.hash_pieces(chosen, os.cpu_count() or 1, progress)
        return encode_info(contents.outline, chosen, hashes), contents.left_out
    except StoreError as error:
        raise Failure(REFUSED, str(error)) from None
    except MetainfoError as error:
        raise Failure(REFUSED, f"{path}: {error.reason}") from None


def show_created(document: Document) -> None:
    count, length = document.integer("piece_count"), document.integer("piece_length_bytes")
    files = many(document.integer("file_count"), "file")
    data = f"{size(document.integer('size_bytes'))} in {files}"
    pieces = f"{many(count, 'piece')} of {size(length)}"
    print(f"{document.text('file')} is {short_name(document)}: {data}, {pieces}")
    print(document.text("magnet"))
    left_out = document.texts("left_out")
    if left_out:
        print(f"left out, as links are: {many(len(left_out), 'path')}, first {left_out[0]}")


def _check(file: str, web_seeds: Sequence[str]) -> None:
    """What would make the work vain is told before it."""
    if os.path.lexists(file):
        raise Failure(USAGE, f"{file} is there already, and stays as it is")
    for url in web_seeds:
        if (
            not url.startswith(("http://", "https://"))
            or not url.isascii()
            or not url.isprintable()
        ):
            raise Failure(USAGE, f"{url[:100]} is no web seed; https://example.org/files/ is one")


@contextmanager
def _progress(name: str, total_bytes: int, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty() and not quiet:
        from rich.progress import BarColumn, Progress, TextColumn

        from torrentd.daemon.ctl.bars import make_console

        text = TextColumn("{task.fields[said]}", markup=False)
        bar = Progress(BarColumn(None), text, console=make_console(sys.stderr), transient=True)
        task = bar.add_task("", total=total_bytes, said="")
        with bar:
            yield _Told(
                total_bytes, lambda at, said: bar.update(task, completed=at, said=said), 0.1
            )
    elif quiet:
        yield lambda at_bytes: None
    else:
        label = escape(name)
        yield _Told(
            total_bytes,
            lambda at, said: print(f"{label}: {said}", file=sys.stderr, flush=True),
            LINE_EVERY_S,
        )


class _Told:
    """What is done, in words, not more often than every so many seconds."""

    def __init__(self, total_bytes: int, tell: Callable[[int, str], None], every_s: float) -> None:
        self._total_bytes = total_bytes
        self._tell = tell
        self._every_s = every_s
        self._began_at = self._told_at = time.monotonic()

    def __call__(self, at_bytes: int) -> None:
        now = time.monotonic()
        if now - self._told_at < self._every_s:
            return
        self._told_at = now
        flow = int(at_bytes / (now - self._began_at))
        left_s = (self._total_bytes - at_bytes) / max(1, flow)
        parts = [percent(at_bytes / self._total_bytes), rate(flow), f"{duration(left_s)} left"]
        self._tell(at_bytes, ", ".join(parts))


def _write(file: str, data: bytes) -> None:
    """Whole or not at all, and never over a file that is there."""
    try:
        descriptor, fresh = tempfile.mkstemp(prefix=".torrentctl-", dir=os.path.dirname(file))
        try:
            with open(descriptor, "wb") as temporary:
                temporary.write(data)
                temporary.flush()
                os.fchmod(descriptor, 0o666 & ~_umask())
                os.fsync(descriptor)
            _name(fresh, file)
        finally:
            with suppress(OSError):
                os.unlink(fresh)
    except FileExistsError:
        raise Failure(USAGE, f"{file} is there already, and stays as it is") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = error.strerror if isinstance(error, OSError) else "no such name"
        raise Failure(USAGE, f"cannot write {file}: {reason}") from None


def _name(fresh: str, file: str) -> None:
    """A link is never made over a file; a file system without links can only be asked before."""
    try:
        os.link(fresh, file)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP) or os.path.lexists(file):
            raise
        os.rename(fresh, file)


def _umask() -> int:
    """There is no way to ask without setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
