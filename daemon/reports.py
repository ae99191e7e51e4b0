"""What is told of torrents, peers and files: numbers gathered when somebody asks, never before."""

from torrentd.config.schema import Config
from torrentd.daemon.rates import Rates
from torrentd.daemon.resting import Resting
from torrentd.daemon.services import Services
from torrentd.daemon.status import (
    BlocksStatus,
    DaemonStatus,
    DhtStatus,
    FileStatus,
    Moved,
    PeerStatus,
    PiecesStatus,
    TorrentInfo,
    TorrentStatus,
)
from torrentd.daemon.torrent import Torrent
from torrentd.daemon.why import Case, Limit
from torrentd.dht.outputs import ScrapeEnded
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.geometry import FileLayout
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.formats.peer_ids import client_name
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.store.paths import safe_names
from torrentd.wire.swarm.outlook import NOBODY

# Of a limit, from where on it is what holds a download up. What is above it is no download that it
# holds: peers of the local network are spared.
LIMIT_USED, LIMIT_SPARED = 0.85, 1.3
ETA_S_MAX = 100 * 24 * 3600  # beyond it a guess says nothing


def daemon_status(
    torrents: list[Torrent],
    now: float,
    *,
    version: str,
    uptime_s: int,
    pid: int,
    listen_addresses: list[Address],
    config: Config,
    moved: Moved,
    dht: DhtStatus,
    blocks: BlocksStatus,
    warnings: list[str],
) -> DaemonStatus:
    busy = [torrent.swarm for torrent in torrents if torrent.traffic.links]
    return DaemonStatus(
        version=version,
        uptime_s=uptime_s,
        pid=pid,
        listen_addresses=[str(address) for address in listen_addresses],
        state_dir=str(config.state_dir),
        download_dir=str(config.download_dir),
        download_rate_bytes_per_s=int(sum(s.download_rate.bytes_per_s(now) for s in busy)),
        upload_rate_bytes_per_s=int(sum(s.upload_rate.bytes_per_s(now) for s in busy)),
        peers_connected=sum(len(torrent.traffic.links) for torrent in torrents),
        moved=moved,
        dht=dht,
        blocks=blocks,
        warnings=warnings,
    )


def torrent_status(torrent: Torrent, now: float) -> TorrentStatus:
    swarm = torrent.swarm
    state = torrent.state
    torrent.traffic.note_stages(now)
    stages = torrent.stages
    connections = list(torrent.traffic.links)
    download_rate = int(swarm.download_rate.bytes_per_s(now)) if connections else 0
    size_bytes, done_bytes = swarm.wanted_bytes, swarm.done_bytes
    counted = torrent.traffic.counted
    return TorrentStatus(
        infohash=torrent.infohash.hex(),
        name=torrent.name,
        state=state,
        stage=stages.present if stages is not None and state == "metadata" else None,
        progress=_progress(torrent, size_bytes, done_bytes),
        size_bytes=size_bytes or (torrent.info.total_bytes if torrent.info else 0),
        done_bytes=done_bytes,
        download_rate_bytes_per_s=download_rate,
        upload_rate_bytes_per_s=int(swarm.upload_rate.bytes_per_s(now)) if connections else 0,
        downloaded_bytes=torrent.downloaded_bytes,
        uploaded_bytes=torrent.uploaded_bytes,
        wasted_bytes=torrent.wasted_bytes,
        peers_connected=len(connections),
        peers_known=swarm.peers_known,
        seeds_connected=sum(connection.is_seed for connection in connections),
        eta_s=_eta_s(size_bytes - done_bytes, download_rate),
        error=torrent.trouble,
        download_dir=str(torrent.holding.root),
        added_at=torrent.added_at,
        stages_s=stages.seconds(now) if stages is not None else {},
        swarm_seeds=counted.seeds if counted is not None else None,
        swarm_peers=counted.peers if counted is not None else None,
        labels=list(torrent.labels),
        forced=torrent.options.forced,
        pause_reason=torrent.pause_reason,
        paused_at=torrent.paused_at,
    )


def resting_status(torrent: Resting, counted: ScrapeEnded | None) -> TorrentStatus:
    """Of one that is complete, and has nobody."""
    record, stages = torrent.record, torrent.kept.stages
    size_bytes = record.complete_bytes
    return TorrentStatus(
        infohash=torrent.infohash.hex(),
        name=torrent.name,
        state=torrent.state,
        stage=None,
        progress=1.0 if torrent.believed else 0.0,
        size_bytes=size_bytes,
        done_bytes=size_bytes if torrent.believed else 0,
        download_rate_bytes_per_s=0,
        upload_rate_bytes_per_s=0,
        downloaded_bytes=record.downloaded_bytes,
        uploaded_bytes=record.uploaded_bytes,
        wasted_bytes=torrent.kept.wasted_bytes,
        peers_connected=0,
        peers_known=0,
        seeds_connected=0,
        eta_s=None,
        error=None,
        download_dir=record.download_dir,
        added_at=record.added_at,
        labels=list(torrent.labels),
        pause_reason=record.pause_reason if torrent.paused else "",
        paused_at=record.paused_at if torrent.paused else 0,
        stages_s=stages.seconds(0.0) if stages is not None else {},
        swarm_seeds=counted.seeds if counted is not None else None,
        swarm_peers=counted.peers if counted is not None else None,
    )


def torrent_info(torrent: Torrent, now: float) -> TorrentInfo:
    info = torrent.info
    names = _names(torrent, info) if info is not None else []
    first = next(filter(None, names), "").partition("/")[0]
    return TorrentInfo(
        status=torrent_status(torrent, now),
        magnet=torrent.magnet,
        piece_length_bytes=info.piece_length if info else 0,
        piece_count=info.geometry.piece_count if info else 0,
        pieces_had=torrent.swarm.have.count,
        file_count=len(info.files) if info else 0,
        hash_failures=torrent.swarm.hash_failures,
        peers_banned=torrent.swarm.peers_banned,
        files_root=str(torrent.holding.root / first),
        sequential=torrent.options.sequential,
        download_bytes_per_s_max=torrent.options.download_bytes_per_s_max,
        upload_bytes_per_s_max=torrent.options.upload_bytes_per_s_max,
        rules=list(rules) if (rules := torrent.options.rules) is not None else None,
        super_seeding=torrent.options.super_seeding,
    )


def cases_of(
    torrents: list[Torrent | Resting], services: Services, flow_bytes_per_s: float, now: float
) -> list[Case]:
    """All that `why` looks at; the flow is that of all downloads."""
    discovery, checks_full = services.discovery, services.checks.locked()
    dht = discovery.status()
    searches = {search.infohash: search for search in discovery.searches()}
    cases = []
    for torrent in torrents:
        search = searches.get(torrent.infohash.hex())
        if isinstance(torrent, Resting):
            status = resting_status(torrent, discovery.swarm(torrent.infohash))
            cases.append(Case(status, NOBODY, dht, search, checks_full=checks_full))
            continue
        storage = torrent.holding.storage
        cases.append(
            Case(
                torrent_status(torrent, now),
                torrent.swarm.outlook(),
                dht,
                search,
                disk_behind=storage is not None and storage.congested,
                checks_full=checks_full,
                no_room=torrent.no_room is not None and torrent.trouble == torrent.no_room,
                limit=_limit(torrent, services.rates, flow_bytes_per_s, now),
            )
        )
    return cases


def _limit(torrent: Torrent, rates: Rates, flow_bytes_per_s: float, now: float) -> Limit | None:
    """The limit of the download that is used up."""
    own, all_of_us = torrent.options.download_bytes_per_s_max, rates.download.rate_bytes_per_s
    if _is_used_up(own, torrent.swarm.download_rate.bytes_per_s(now)):
        return Limit("own", own)
    return Limit(rates.which, all_of_us) if _is_used_up(all_of_us, flow_bytes_per_s) else None


def _is_used_up(limit_bytes_per_s: int, flow_bytes_per_s: float) -> bool:
    return limit_bytes_per_s * LIMIT_USED <= flow_bytes_per_s <= limit_bytes_per_s * LIMIT_SPARED


def peer_statuses(torrent: Torrent, now: float) -> list[PeerStatus]:
    return [_peer(torrent, connection, now) for connection in torrent.traffic.links]


def pieces_status(torrent: Torrent) -> PiecesStatus:
    swarm, info = torrent.swarm, torrent.info
    return PiecesStatus(
        piece_count=info.geometry.piece_count if info else 0,
        piece_length_bytes=info.piece_length if info else 0,
        have=swarm.have.to_bytes().hex(),
        here=swarm.here.to_bytes().hex(),
    )


def file_statuses(torrent: Torrent) -> list[FileStatus]:
    """Every file, padding left out; [] before the metadata is known."""
    info = torrent.info
    if info is None:
        return []
    layout = FileLayout(info.geometry, [file.length for file in info.files])
    have = torrent.swarm.have
    wanted = None if torrent.select is None else {*torrent.select}
    high, low = {*torrent.options.high}, {*torrent.options.low}
    return [
        FileStatus(
            index=index,
            path=name,
            size_bytes=info.files[index].length,
            done_bytes=_file_done_bytes(layout, have, index),
            wanted=wanted is None or index in wanted,
            priority="high" if index in high else "low" if index in low else "normal",
        )
        for index, name in enumerate(_names(torrent, info))
        if name
    ]


def _progress(torrent: Torrent, size_bytes: int, done_bytes: int) -> float:
    if torrent.info is None:
        return 0.0
    if torrent.is_moving:
        return torrent.moved
    if not torrent.opened:
        return torrent.holding.checked
    return done_bytes / size_bytes if size_bytes else 1.0


def _eta_s(missing_bytes: int, rate_bytes_per_s: int) -> int | None:
    if missing_bytes <= 0 or not rate_bytes_per_s:
        return None
    eta_s = missing_bytes // rate_bytes_per_s
    return eta_s if eta_s <= ETA_S_MAX else None


def _names(torrent: Torrent, info: Info) -> list[str]:
    return torrent.holding.names or safe_names(info, torrent.infohash)


def _file_done_bytes(layout: FileLayout, have: Bitfield, file_index: int) -> int:
    """Bytes of the file that lie in pieces we have."""
    length = layout.lengths[file_index]
    start = layout.offsets[file_index]
    done_bytes = 0
    for piece_index in layout.pieces_of_file(file_index):
        if have[piece_index]:
            piece_start = layout.geometry.piece_offset(piece_index)
            piece_end = piece_start + layout.geometry.piece_size(piece_index)
            done_bytes += min(piece_end, start + length) - max(piece_start, start)
    return done_bytes


def _peer(torrent: Torrent, connection: PeerConnection, now: float) -> PeerStatus:
    pieces = connection.pieces
    extension = connection.extension
    named = client_name(connection.their_peer_id) if connection.their_peer_id else ""
    source = torrent.swarm.source(connection)
    return PeerStatus(
        address=str(connection.address),
        client=(extension.client if extension is not None else None) or named,
        source=source,
        flags=_flags(connection, source),
        progress=pieces.count / len(pieces) if pieces else 0.0,
        download_rate_bytes_per_s=int(connection.download_rate.bytes_per_s(now)),
        upload_rate_bytes_per_s=int(connection.upload_rate.bytes_per_s(now)),
        downloaded_bytes=connection.downloaded_bytes,
        uploaded_bytes=connection.uploaded_bytes,
        requests_out=connection.outstanding.count,
        requests_in=len(connection.owed),
    )


def _flags(connection: PeerConnection, source: str) -> str:
    """D d: we want its pieces and it lets us (D) or not (d); U u: likewise it and us; S: snubbed;
    O: it wants nothing; I: incoming; H X: from the DHT, from peer exchange; F E: fast, extension
    protocol."""
    flags = [
        ("D", connection.am_interested and not connection.peer_choking),
        ("d", connection.am_interested and connection.peer_choking),
        ("U", connection.peer_interested and not connection.am_choking),
        ("u", connection.peer_interested and connection.am_choking),
        ("S", connection.snubbed),
        ("O", connection.upload_only),
        ("I", not connection.outgoing),
        ("H", source == "dht"),
        ("X", source == "pex"),
        ("F", connection.supports_fast),
        ("E", connection.supports_extensions),
    ]
    return "".join(letter for letter, is_set in flags if is_set)
