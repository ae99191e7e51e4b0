"""Threads for blocking work: named jobs in, their results back in the loop.

The threads are daemons and nobody joins them: a hung mount or name server cannot hold up the stop.
A job returns its errors as values; one that raises is a bug of ours and stops the daemon.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from torrentd.daemon.tasks import Tasks

IDLE_S = 60.0  # a thread without work for this long ends

T = TypeVar("T")


class Workers:
    """At most `threads_max` threads, started when there is work for one more."""

    def __init__(self, name: str, threads_max: int, tasks: Tasks) -> None:
        self._name = name
        self._threads_max = threads_max
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._drained: asyncio.Future[None] | None = None
        self.unfinished = 0  # jobs whose result has not come back

    def submit(self, job: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run `job` in a thread, then `done` with its result in the loop."""
        self.unfinished += 1
        self._jobs.put(partial(self._work, job, done))
        with self._lock:
            start = self._idle < self._jobs.qsize() and self._threads < self._threads_max
            if start:
                self._threads += 1
        if start:
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    async def run(self, job: Callable[[], T]) -> T:
        """`submit`, awaited. The job runs to its end even when the caller is cancelled."""
        future: asyncio.Future[T] = self._loop.create_future()

        def done(result: T) -> None:
            if not future.done():
                future.set_result(result)

        self.submit(job, done)
        return await future

    async def drain(self, timeout_s: float) -> bool:
        """Wait until no job is left; False when that takes too long."""
        if not self.unfinished:
            return True
        self._drained = self._loop.create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await self._drained
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Let the threads end when they are through with what is queued."""
        with self._lock:
            for _ in range(self._threads):
                self._jobs.put(None)

    def _run(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            try:
                job = self._jobs.get(timeout=IDLE_S)
            except queue.Empty:
                job = None
            with self._lock:
                self._idle -= 1
                if job is None and self._jobs.empty():
                    self._threads -= 1
                    return
            if job is not None:
                job()

    def _work(self, job: Callable[[], T], done: Callable[[T], None]) -> None:
        try:
            result = job()
        except BaseException as error:  # a bug of ours, told to the one who decides about it
            self._deliver(partial(self._tasks.fail, error))
        else:
            self._deliver(partial(done, result))

    def _deliver(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._finish, call)
        except RuntimeError:  # the loop is gone: we came too late, and nobody waits
            pass

    def _finish(self, call: Callable[[], None]) -> None:
        self.unfinished -= 1
        try:
            call()
        finally:
            if not self.unfinished and self._drained is not None and not self._drained.done():
                self._drained.set_result(None)
