"""The session: everything that runs, put together, and the commands it answers (no JSON here)."""

import asyncio
import random
import time

from torrentd.config.schema import Config
from torrentd.daemon.status import (
    AddRequest,
    AddResult,
    DaemonStatus,
    DhtStatus,
    FileStatus,
    PeerStatus,
    TorrentInfo,
    TorrentStatus,
)
from torrentd.wire.formats.ids import InfoHash
from typing import Literal


class Session:
    """Public API; being written: the bodies come in the next commits."""

    def __init__(self, config: Config, *, rng: random.Random | None = None) -> None:
        self.config = config
        self.shutdown_requested = asyncio.Event()

    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    async def add(self, request: AddRequest) -> AddResult:
        raise NotImplementedError

    def status(self) -> DaemonStatus:
        raise NotImplementedError

    def torrents(self) -> list[TorrentStatus]:
        raise NotImplementedError

    def find(self, selector: str) -> InfoHash:
        raise NotImplementedError

    def torrent(self, infohash: InfoHash) -> TorrentStatus:
        raise NotImplementedError

    def info(self, infohash: InfoHash) -> TorrentInfo:
        raise NotImplementedError

    def peers(self, infohash: InfoHash) -> list[PeerStatus]:
        raise NotImplementedError

    def files(self, infohash: InfoHash) -> list[FileStatus]:
        raise NotImplementedError

    async def pause(self, infohash: InfoHash) -> None:
        raise NotImplementedError

    async def resume(self, infohash: InfoHash) -> None:
        raise NotImplementedError

    async def remove(self, infohash: InfoHash, delete_data: bool = False) -> None:
        raise NotImplementedError

    async def verify(self, infohash: InfoHash) -> None:
        raise NotImplementedError

    async def add_peer(self, infohash: InfoHash, address_text: str) -> None:
        raise NotImplementedError

    async def wait(
        self,
        infohash: InfoHash,
        until: Literal["done", "metadata"],
        timeout_s: float | None = None,
    ) -> bool:
        raise NotImplementedError

    def dht(self) -> DhtStatus:
        raise NotImplementedError

    def request_shutdown(self) -> None:
        raise NotImplementedError
