"""Data of a torrent that is here already: looked for, and used in place or linked, before the add.

The add that follows checks all of it again, as it believes nothing.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from torrentd.config.schema import Config
from torrentd.daemon.adding import download_root
from torrentd.daemon.control_call import Answer, Call, Run
from torrentd.daemon.control_lines import INVALID_PARAMS, METAINFO_BYTES_MAX, LineError
from torrentd.daemon.control_params import Params
from torrentd.daemon.disk import Disk
from torrentd.daemon.known import display_name
from torrentd.daemon.logs import get_logger
from torrentd.daemon.status import Refused
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metainfo import decode_metainfo
from torrentd.wire.store.adoption import Search
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.folders import Folders
from torrentd.wire.store.linking import link
from torrentd.wire.store.paths import safe_names

FOLDERS_MAX = 20

log = get_logger("adopting")


@dataclass(slots=True)
class AdoptedFile:
    """`how` is in place, there, reflink, hard link or copy; in a dry run what is not in place is
    `found`. `problem`: why it could not be linked, and will be downloaded."""

    index: int
    name: str
    source: str
    size_bytes: int
    how: str
    problem: str | None = None


@dataclass(slots=True)
class Adoption:
    """`download_dir` is where the torrent is to be added."""

    infohash: str
    name: str
    download_dir: str
    in_place: bool
    size_bytes: int
    found_bytes: int
    file_count: int
    files: list[AdoptedFile] = field(default_factory=list)


@dataclass(slots=True)
class Request:
    metainfo: bytes
    folders: list[Path]
    download_dir: str | None
    dry_run: bool


class AdoptCommands(Protocol):
    async def adopt(self, request: Request) -> Adoption: ...


class Adopting:
    """One at a time: each reads as fast as the disk does, and none waits for its turn."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._turn = asyncio.Lock()

    async def adopt(self, request: Request, config: Config, known: set[InfoHash]) -> Adoption:
        """Raises Refused with a sentence."""
        if self._turn.locked():
            raise Refused("other data is being looked for; try again when that is done")
        async with self._turn:
            workers = self._disk.workers_for(request.folders[0])
            found = await workers.run(partial(_adopt_or_refused, request, config, known))
        if isinstance(found, Refused):
            raise found
        files, folder = len(found.files), found.download_dir
        if not request.dry_run:
            log.info("adopted", torrent=found.infohash, files=files, folder=folder)
        return found


class AdoptVerbs:
    def __init__(self, commands: AdoptCommands) -> None:
        self._commands = commands
        self.by_name: dict[str, Run] = {"adopt": self._adopt}

    async def _adopt(self, params: Params, call: Call) -> Answer:
        """`add` into the `download_dir` that it tells comes next."""
        folders = params.paths("from")
        download_dir, dry_run = params.path("dir"), params.flag("dry_run")
        params.integer("metainfo_bytes", 1, METAINFO_BYTES_MAX)  # the bytes came with the call
        params.refuse_unknown()
        if call.metainfo is None or not 1 <= len(folders) <= FOLDERS_MAX:
            sentence = f'adopt needs "metainfo_bytes", and 1 to {FOLDERS_MAX} folders as "from"'
            raise LineError(INVALID_PARAMS, sentence)
        request = Request(call.metainfo, [*map(Path, folders)], download_dir, dry_run)
        adoption = await self._commands.adopt(request)
        return Answer({name: getattr(adoption, name) for name in Adoption.__slots__})


def _adopt_or_refused(request: Request, config: Config, known: set[InfoHash]) -> Adoption | Refused:
    """In a thread, where errors are values."""
    try:
        return _adopt(request, config, known)
    except Refused as refused:
        return refused
    except MetainfoError as error:
        return Refused(error.reason)


def _adopt(request: Request, config: Config, known: set[InfoHash]) -> Adoption:
    metainfo = decode_metainfo(request.metainfo)
    info = metainfo.info
    if metainfo.infohash in known:
        raise Refused(f"{display_name(info)[:100]} is here already; nothing was looked for")
    for folder in request.folders:
        if not folder.is_dir():
            raise Refused(f"{folder} is no folder, or the daemon may not look into it")
    root = download_root(request.download_dir, config)
    names = safe_names(info, metainfo.infohash)
    search = Search(info, names)
    found = search.find(request.folders)
    place = search.in_place(found)
    if place is not None and request.download_dir is None:
        try:
            root = download_root(str(place), config)
        except Refused:  # a home folder itself, our state
            place = None
    elif place is not None and place.resolve() != root.resolve():
        place = None
    adoption = Adoption(
        infohash=metainfo.infohash.hex(),
        name=display_name(info),
        download_dir=str(root),
        in_place=place is not None,
        size_bytes=sum(file.length for file in info.files if not file.pad),
        found_bytes=sum(info.files[each.file_index].length for each in found),
        file_count=sum(map(bool, names)),
    )
    for each in found:
        how = "in place" if place is not None else "found"
        name, length = names[each.file_index], info.files[each.file_index].length
        file = AdoptedFile(each.file_index, name, str(each.source), length, how)
        adoption.files.append(file)
        if place is None and not request.dry_run:
            try:
                file.how = link(each.source, Folders(root), name, each.whole)
            except StoreError as error:
                file.problem = str(error)
    return adoption
