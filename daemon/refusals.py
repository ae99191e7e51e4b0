"""Whom the user will have nothing to do with: the blocklist's file, and bans by hand."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from torrentd.daemon.bans import Bans
from torrentd.daemon.blocklist import BlocklistFile
from torrentd.daemon.disk import Disk
from torrentd.daemon.healing import Company
from torrentd.daemon.logs import get_logger
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.status import BlocksStatus
from torrentd.daemon.tasks import Tasks
from torrentd.wire.formats.blocks import Blocks

READ_S = 10.0  # a start is not held up for longer by a disk that hangs

log = get_logger("refusals")


class Refusals:
    """Connections of `traffics` to somebody who gets among them end at once."""

    def __init__(
        self,
        blocks: Blocks,
        state: StateDir,
        disk: Disk,
        tasks: Tasks,
        traffics: Callable[[], Iterable[Company]],
    ) -> None:
        async def load() -> bytes | None:
            return await disk.state.run(state.load_bans)

        async def save(data: bytes) -> str | None:
            return await disk.state.run(partial(state.save_bans, data))

        self.bans = Bans(blocks, load, save, self._changed)
        self._blocks = blocks
        self._file = BlocklistFile(blocks, disk.workers_for, self._changed)
        self._tasks = tasks
        self._traffics = traffics
        self._started = False

    async def start(self, blocklist: Path | None) -> None:
        """Before anybody is spoken to."""
        await self.bans.start()
        self._file.use(blocklist)
        if blocklist is not None:
            try:
                async with asyncio.timeout(READ_S):
                    await self._file.look(blocklist)
            except TimeoutError:
                log.warning("blocklist is slow to read", path=str(blocklist))
        self._started = True
        self._tasks.spawn(self._file.run(), "blocklist")

    def use(self, blocklist: Path | None) -> None:
        """As the configuration says now."""
        self._file.use(blocklist)

    def warnings(self) -> list[str]:
        return self._file.warnings()

    def status(self) -> BlocksStatus:
        listed, path = self._file.read, self._file.path
        return BlocksStatus(
            path=str(path) if path is not None else None,
            ranges=len(listed.hosts),
            bad_lines=listed.bad_lines,
            first_bad_line=listed.first_bad,
            banned=len(self.bans.all()),
            refused=self._blocks.refused,
        )

    def _changed(self) -> None:
        for traffic in list(self._traffics()) if self._started else ():
            traffic.cut(lambda link: self._blocks.holds(link.connection.address.host))
