"""Sessions for tests: real sockets on loopback addresses of their own, a folder each, no sleeps."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import uvloop

from tests.wire.torrents import Torrent
from torrentd.config.schema import Config, Control, Dht, Limits, Listen, Network
from torrentd.daemon.session import Session
from torrentd.daemon.status import AddRequest
from torrentd.daemon.tasks import Tasks
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import encode_metainfo

TIMEOUT_S = 20.0
PORT = 6881
_numbers = itertools.count()
T = TypeVar("T")


def run(scenario: Coroutine[object, object, T]) -> T:
    """Run a scenario under uvloop; one that hangs fails."""

    async def limited() -> T:
        async with asyncio.timeout(TIMEOUT_S):
            return await scenario

    return uvloop.run(limited())


def new_host() -> str:
    """A loopback address that nothing else uses at the moment, in a /24 of its own."""
    number = next(_numbers)
    return f"127.{60 + os.getpid() % 100}.{number % 250 + 1}.{number // 250 + 1}"


def new_port() -> int:
    """A port for addresses that are shared, such as ::1."""
    return 20_000 + (os.getpid() * 16 + next(_numbers)) % 20_000


def make_config(
    directory: Path,
    host: str,
    *,
    port: int = PORT,
    bootstrap: tuple[str, ...] | None = None,
    limits: Limits | None = None,
    allow_local: bool = True,
) -> Config:
    """Everything below `directory`; without `bootstrap` there is no DHT."""
    return Config(
        state_dir=directory / "state",
        download_dir=directory / "downloads",
        control=Control(socket=directory / "control.sock"),
        listen=Listen(addresses=(host,), port=port),
        dht=Dht(enabled=bootstrap is not None, bootstrap=bootstrap or ()),
        network=Network(allow_local_addresses=allow_local),
        limits=wherever_there_is_room(limits or Limits()),
    )


def wherever_there_is_room(limits: Limits) -> Limits:
    """Tests may fill a disk that a user would not; unless they are about it."""
    unset = {"free_bytes_min", "free_percent_min"} - limits.model_fields_set
    return limits.model_copy(update=dict.fromkeys(unset, 0))


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[Session]:
    """A started session; whatever went wrong inside fails the test."""
    session = Session(config, seed=1)
    await session.start()
    try:
        yield session
    finally:
        await session.stop()
    assert session.tasks.faults == []


@asynccontextmanager
async def supervised() -> AsyncIterator[Tasks]:
    """Tasks whose faults fail the test."""
    tasks = Tasks(lambda error: None)
    asyncio.get_running_loop().set_exception_handler(tasks.on_loop_exception)
    try:
        yield tasks
    finally:
        await tasks.close()
    assert tasks.faults == []


async def seed(session: Session, torrent: Torrent, directory: Path) -> InfoHash:
    """Add a torrent whose data lies in `directory`, and wait until it seeds."""
    lay_out(torrent, directory)
    request = AddRequest(metainfo=encode_metainfo(torrent.metadata), download_dir=str(directory))
    infohash = session.find((await session.add(request)).infohash)
    assert await session.wait(infohash, "done", TIMEOUT_S)
    return infohash


def lay_out(torrent: Torrent, directory: Path) -> None:
    """Write the torrent's files as a user would have them."""
    info = torrent.info
    root = directory / info.name.decode()
    for file in info.files:
        path = root.joinpath(*(part.decode() for part in file.path)) if info.multi_file else root
        if not file.pad and not file.symlink:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(torrent.content[file.offset_bytes :][: file.length])


def is_complete(torrent: Torrent, directory: Path) -> bool:
    """Byte for byte."""
    info = torrent.info
    root = directory / info.name.decode()
    for file in info.files:
        path = root.joinpath(*(part.decode() for part in file.path)) if info.multi_file else root
        if not file.pad and not file.symlink:
            expected = torrent.content[file.offset_bytes :][: file.length]
            if not path.is_file() or path.read_bytes() != expected:
                return False
    return True


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until `condition` holds; `run` ends what never does."""
    while not condition():
        await turn()


async def turn() -> None:
    """One turn of the loop, whatever sockets and threads have for it included."""
    loop = asyncio.get_running_loop()
    turned = loop.create_future()
    loop.call_later(0.001, turned.set_result, None)
    await turned
