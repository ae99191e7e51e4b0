"""The metadata of a magnet, fetched from peers and kept by nobody: no torrent is added (BEP 9)."""

import asyncio
import time
from collections.abc import Callable

from torrentd.daemon.services import Services
from torrentd.daemon.status import Refused
from torrentd.daemon.traffic import Traffic
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.magnet import Magnet
from torrentd.wire.store.api import StoreError
from torrentd.wire.swarm.actions import MetadataComplete, MetadataRefused
from torrentd.wire.swarm.swarm import Swarm

RESOLVED_AT_ONCE_MAX = 20


class Resolving:
    """Those that are under way; each is a swarm that ends with its metadata."""

    def __init__(self, services: Services) -> None:
        self.traffics: dict[InfoHash, Traffic] = {}
        self._services = services
        self._fetches: dict[InfoHash, _Fetch] = {}

    async def resolve(self, magnet: Magnet, timeout_s: float) -> bytes:
        """The info dictionary. Raises Refused. Two that want the same share one search."""
        fetch = self._fetches.get(magnet.infohash)
        if fetch is None:
            if len(self._fetches) >= RESOLVED_AT_ONCE_MAX:
                raise Refused(f"at most {RESOLVED_AT_ONCE_MAX} magnets are resolved at once")
            fetch = _Fetch(self._services, magnet.infohash)
            self._fetches[magnet.infohash] = fetch
            self.traffics[magnet.infohash] = fetch.traffic
            fetch.traffic.start()
        if magnet.peers:
            fetch.traffic.peers_found(list(magnet.peers), "magnet")
        fetch.waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(fetch.metadata)
        except TimeoutError:
            raise Refused(_nobody(fetch.traffic.swarm, timeout_s)) from None
        finally:
            fetch.waiting -= 1
            if not fetch.waiting:
                self._end(magnet.infohash)

    def close(self) -> None:
        """The daemon ends: nobody waits any more."""
        for infohash in list(self._fetches):
            self._fetches[infohash].metadata.cancel()
            self._end(infohash)

    def _end(self, infohash: InfoHash) -> None:
        fetch = self._fetches.pop(infohash, None)
        if fetch is not None:
            del self.traffics[infohash]
            fetch.traffic.close()


class _Fetch:
    """A torrent of which only the metadata is wanted."""

    def __init__(self, services: Services, infohash: InfoHash) -> None:
        self.waiting = 0
        self.metadata: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        config = services.config
        swarm = Swarm(
            infohash,
            peer_id=services.peer_id,
            limits=config.limits,
            policy=services.policy,
            rng=services.rng,
            listen_port=config.listen.port,
            now=time.monotonic(),
            info=None,
            metadata=None,
            vantage=services.discovery.vantage,
        )
        self.traffic = Traffic(services, infohash, swarm, self)

    def metadata_complete(self, found: MetadataComplete) -> None:
        self._settle(lambda: self.metadata.set_result(found.metadata))

    def metadata_refused(self, found: MetadataRefused) -> None:
        self._settle(lambda: self.metadata.set_exception(Refused(found.reason)))

    def completed(self) -> None:
        """Never: no data is asked for."""

    def read_failed(self, piece_index: int, error: StoreError) -> None:
        """Never: there is none to be read."""

    def _settle(self, settle: Callable[[], None]) -> None:
        if not self.metadata.done():
            settle()


def _nobody(swarm: Swarm, timeout_s: float) -> str:
    if not swarm.peers_known:
        return f"no peer was found within {timeout_s:g} s"
    return f"none of {swarm.peers_known} known peers gave the metadata within {timeout_s:g} s"
