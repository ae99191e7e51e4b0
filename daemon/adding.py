"""What a torrent is made of, from what a user adds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from torrentd.config.schema import Config
from torrentd.daemon.file_choice import FileChoice, Selection, choose, choose_unseen
from torrentd.daemon.known import Known
from torrentd.daemon.opening import too_many_files
from torrentd.daemon.status import AddRequest, Refused
from torrentd.wire.formats.address import Address, parse_address
from torrentd.wire.formats.errors import MagnetError, MetainfoError, ProtocolError
from torrentd.wire.formats.magnet import Magnet, decode_magnet, encode_magnet
from torrentd.wire.formats.metainfo import (
    METADATA_BYTES_MAX,
    Info,
    decode_metainfo,
)
from torrentd.wire.store.api import UnsafePath
from torrentd.wire.store.options import TorrentOptions
from torrentd.wire.store.paths import check_root, safe_names
from torrentd.wire.store.resume import ResumeState


@dataclass(slots=True)
class Wanted:
    """A checked request. `peers` are tried first; a user's own are believed, a magnet's are not."""

    known: Known
    magnet_peers: list[Address] = field(default_factory=list)
    manual_peers: list[Address] = field(default_factory=list)
    nodes: list[Address] = field(default_factory=list)


def read_request(request: AddRequest, config: Config, added_at: int) -> Wanted:
    """Blocking for large torrent files. Raises Refused with a sentence."""
    try:
        magnet, known_info, metadata, nodes = _parse(request)
    except (MagnetError, MetainfoError) as error:
        raise Refused(error.reason) from None
    files_max = config.limits.files_max
    if known_info is not None and len(known_info.files) > files_max:
        raise Refused(too_many_files(known_info, files_max))
    request = _labelled(request, config)
    select, options = _choose(request, magnet, known_info)
    root = str(download_root(request.download_dir, config))
    if config.incomplete_dir is not None and str(config.incomplete_dir) != root:
        options = replace(options, final_dir=root)
        root = str(config.incomplete_dir)
    state = ResumeState(
        infohash=magnet.infohash,
        name=magnet.name or magnet.infohash.hex(),
        download_dir=root,
        magnet=encode_magnet(replace(magnet, peers=(), select=select)),
        added_at=added_at,
        paused=request.paused,
        paused_at=added_at if request.paused else 0,
        select=select,
        options=options,
    )
    return Wanted(
        Known(state, known_info, metadata),
        magnet_peers=list(magnet.peers),
        manual_peers=[parse_peer(text) for text in request.peers],
        nodes=nodes,
    )


def read_or_refused(request: AddRequest, config: Config, added_at: int) -> Wanted | Refused:
    """In a thread, where errors are values."""
    try:
        return read_request(request, config, added_at)
    except Refused as refused:
        return refused


def parse_peer(text: str) -> Address:
    """`address:port` as a user writes it. Raises Refused."""
    try:
        return parse_address(text)
    except ProtocolError:
        raise Refused(
            f"{text[:80]!r} is no peer: write 192.0.2.1:6881 or [2001:db8::1]:6881"
        ) from None


def _parse(
    request: AddRequest,
) -> tuple[Magnet, Info | None, bytes | None, list[Address]]:
    if (request.magnet is None) == (request.metainfo is None):
        raise Refused("add needs a magnet, an infohash or a torrent file, one of them")
    if request.magnet is not None:
        return decode_magnet(request.magnet.strip()), None, None, []
    assert request.metainfo is not None
    if len(request.metainfo) > METADATA_BYTES_MAX:
        raise Refused(f"the torrent file is larger than {METADATA_BYTES_MAX} bytes")
    found = decode_metainfo(request.metainfo)
    name = found.info.name.decode("utf-8", "replace")
    magnet = Magnet(found.infohash, name, web_seeds=found.web_seeds)
    return magnet, found.info, found.metadata, list(found.nodes)


def _labelled(request: AddRequest, config: Config) -> AddRequest:
    """With what its labels bring along, the first before the others; what was said stays."""
    known = {label.name: label for label in config.seeding.labels}
    options, folder = request.options, request.download_dir
    for label in (known[name] for name in options.labels if name in known):
        folder = folder or (str(label.dir) if label.dir is not None else None)
        options = replace(
            options,
            sequential=options.sequential or label.sequential,
            download_bytes_per_s_max=options.download_bytes_per_s_max
            or label.download_bytes_per_s_max,
            upload_bytes_per_s_max=options.upload_bytes_per_s_max or label.upload_bytes_per_s_max,
        )
    return replace(request, options=options, download_dir=folder)


def _choose(
    request: AddRequest, magnet: Magnet, info: Info | None
) -> tuple[Selection, TorrentOptions]:
    """The files wanted, as far as that is known, and how."""
    if not request.select:
        return magnet.select, request.options
    choice = FileChoice(select=request.select)
    if info is None:
        return choose_unseen(choice, None, request.options)
    return choose(choice, None, request.options, safe_names(info, magnet.infohash))


def download_root(folder: str | None, config: Config) -> Path:
    """Where a torrent's files may go. Raises Refused."""
    if folder is None:
        return config.download_dir
    root = Path(folder)
    if not root.is_absolute():
        raise Refused("the download folder must be an absolute path")
    if _is_below(root, [config.download_dir]):
        return root  # the administrator's choice, even where it lies in the state folder
    try:
        check_root(root, config.state_dir)
    except UnsafePath as error:
        raise Refused(str(error)) from None
    return root


def _is_below(path: Path, roots: Sequence[Path]) -> bool:
    resolved = path.resolve()
    return any(resolved.is_relative_to(root.resolve()) for root in roots)
