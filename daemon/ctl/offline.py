"""`torrentctl show`: what a torrent file or a magnet says, read here; no daemon is asked.

The one place of torrentctl that needs the formats; they are imported when it is used.
"""

from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.columns import Column
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.failure import REFUSED, Failure
from torrentd.daemon.ctl.quantities import short_size, size
from torrentd.daemon.ctl.sentences import many
from torrentd.daemon.ctl.sources import Source
from torrentd.daemon.ctl.tables import print_rows, print_table

FILE_COLUMNS = [
    Column("#", 3, right=True),
    Column("FILE", 0),
    Column("SIZE", 5, right=True),
]


def read(source: Source) -> Json:
    """The document of one source; Failure with the reason that `add` would give."""
    from torrentd.wire.formats.errors import MagnetError, MetainfoError

    try:
        uri = source.params.get("uri")
        return _magnet(uri) if isinstance(uri, str) else _torrent(source.payload)
    except (MagnetError, MetainfoError) as error:
        raise Failure(REFUSED, f"{source.label}: {error.reason}") from None


def show(document: Document) -> None:
    for number, torrent in enumerate(document.children("torrents")):
        if number:
            print()
        _show_one(torrent)


def _torrent(data: bytes) -> Json:
    from torrentd.wire.formats.magnet import Magnet, encode_magnet
    from torrentd.wire.formats.metainfo import decode_metainfo
    from torrentd.wire.store.paths import safe_names

    found = decode_metainfo(data)
    info = found.info
    name = info.name.decode("utf-8", "replace")
    files: list[Json] = [
        {"index": index, "path": path, "size_bytes": info.files[index].length}
        for index, path in enumerate(safe_names(info, found.infohash))
        if path  # padding is no file
    ]
    return {
        "infohash": found.infohash.hex(),
        "name": name,
        "size_bytes": info.total_bytes,
        "piece_length_bytes": info.piece_length,
        "piece_count": info.geometry.piece_count,
        "nodes": [str(node) for node in found.nodes],
        "peers": [],
        "web_seeds": [*found.web_seeds],
        "magnet": encode_magnet(Magnet(found.infohash, name, web_seeds=found.web_seeds)),
        "files": files,
    }


def _magnet(uri: str) -> Json:
    """What only the metadata knows is null."""
    from torrentd.wire.formats.magnet import decode_magnet, encode_magnet

    magnet = decode_magnet(uri.strip())
    return {
        "infohash": magnet.infohash.hex(),
        "name": magnet.name,
        "size_bytes": None,
        "piece_length_bytes": None,
        "piece_count": None,
        "nodes": [],
        "peers": [str(peer) for peer in magnet.peers],
        "select": [*magnet.select] if magnet.select is not None else None,
        "web_seeds": [*magnet.web_seeds],
        "magnet": encode_magnet(magnet),
        "files": None,
    }


def _show_one(torrent: Document) -> None:
    files = torrent.children("files")
    pieces = torrent.integer_or_none("piece_count")
    rows = [
        ("name", torrent.text("name")),
        ("infohash", torrent.text("infohash")),
        ("size", "" if pieces is None else _size(torrent, len(files))),
        ("pieces", "" if pieces is None else _pieces(torrent, pieces)),
        ("files", _selected(torrent)),
        ("nodes", ", ".join(torrent.texts("nodes"))),
        ("peers", ", ".join(torrent.texts("peers"))),
        ("web seeds", ", ".join(torrent.texts("web_seeds"))),
        ("magnet", torrent.text("magnet")),
    ]
    print_rows([row for row in rows if row[1]])
    if files:
        print()
        print_table(FILE_COLUMNS, [_file_row(file) for file in files])


def _size(torrent: Document, file_count: int) -> str:
    return f"{size(torrent.integer('size_bytes'))} in {many(file_count, 'file')}"


def _pieces(torrent: Document, count: int) -> str:
    return f"{count} of {size(torrent.integer('piece_length_bytes'))}"


def _selected(torrent: Document) -> str:
    count = torrent.count("select")
    return f"{many(count, 'file')} of it selected (BEP 53)" if count else ""


def _file_row(file: Document) -> list[str]:
    return [
        str(file.integer("index")),
        file.text("path"),
        short_size(file.integer("size_bytes")),
    ]
