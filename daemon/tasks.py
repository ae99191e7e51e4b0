"""The one place that spawns, and the one that decides what an unexpected exception closes.

In the core of a peer: that connection, counted and traced, so that no stranger can stop the daemon.
Anywhere else: the daemon, whose supervisor starts it again. In tests either fails the run, since
`faults` must stay empty.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping

from torrentd.daemon.logs import get_logger

FAULTS_KEPT_MAX = 20  # enough to understand; a stranger must not fill the memory with traces

log = get_logger("tasks")


class Tasks:
    """Every task of one session. `on_fatal` is called once, with the first fatal exception."""

    def __init__(self, on_fatal: Callable[[BaseException], None]) -> None:
        self.faults: list[BaseException] = []
        self.fault_count = 0
        self._on_fatal = on_fatal
        self._fatal = False
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Run `work` beside everything else; it is kept, named, and its failure is fatal."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def peer_fault(self, error: Exception) -> None:
        """A peer's core raised, which is a bug of ours: the caller ends that one connection."""
        self._keep(error)
        log.error("fault in a peer's core", exc_info=error)

    def fail(self, error: BaseException) -> None:
        """Something that everything rests on broke: the session ends, its state saved."""
        self._keep(error)
        log.critical("the daemon must stop", exc_info=error)
        if not self._fatal:
            self._fatal = True
            self._on_fatal(error)

    def on_loop_exception(
        self, loop: asyncio.AbstractEventLoop, context: Mapping[str, object]
    ) -> None:
        """The event loop's exception handler. What the network did is counted, a bug is fatal."""
        error = context.get("exception")
        if isinstance(error, BaseException) and not isinstance(error, OSError):
            self.fail(error)
            return
        log.warning("event loop", message=str(context.get("message")), error=str(error))

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def _keep(self, error: BaseException) -> None:
        self.fault_count += 1
        if len(self.faults) < FAULTS_KEPT_MAX:
            self.faults.append(error)
