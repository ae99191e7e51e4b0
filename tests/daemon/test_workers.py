"""Blocking work in threads, its results in the loop."""

import asyncio
import threading
from functools import partial

import pytest

from tests.daemon.session_room import run, supervised, until
from torrentd.daemon import workers as workers_module
from torrentd.daemon.tasks import Tasks
from torrentd.daemon.workers import Workers


class TestWorkers:
    def test_a_job_runs_in_a_thread_and_its_result_comes_back_in_the_loop(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                workers = Workers("test", 2, tasks)
                found: list[tuple[int, int]] = []
                workers.submit(
                    threading.get_ident, lambda where: found.append((where, threading.get_ident()))
                )
                await until(lambda: bool(found))
                assert found[0][0] != threading.get_ident()
                assert found[0][1] == threading.get_ident()
                assert await workers.run(lambda: 7) == 7

        run(scenario())

    def test_there_are_never_more_threads_than_allowed(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                workers = Workers("test", 3, tasks)
                gate = threading.Barrier(3)
                seen: set[int] = set()

                def job() -> None:
                    seen.add(threading.get_ident())
                    gate.wait(5)

                await asyncio.gather(*(workers.run(job) for _ in range(9)))
                assert len(seen) == 3

        run(scenario())

    def test_a_job_that_raises_is_a_bug_of_ours(self) -> None:
        async def scenario() -> None:
            told: list[BaseException] = []
            tasks = Tasks(told.append)
            workers = Workers("test", 1, tasks)
            workers.submit(lambda: 1 // 0, lambda result: None)
            await until(lambda: bool(told))
            assert isinstance(told[0], ZeroDivisionError)
            assert await workers.run(lambda: "the thread lives") == "the thread lives"

        run(scenario())

    def test_drain_waits_for_all_jobs_but_not_for_ever(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                workers = Workers("test", 1, tasks)
                assert await workers.drain(0.01)
                release = threading.Event()
                workers.submit(lambda: release.wait(5), lambda _: None)
                assert not await workers.drain(0.01)
                release.set()
                assert await workers.drain(5)

        run(scenario())

    def test_a_cancelled_caller_does_not_stop_the_job(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                workers = Workers("test", 1, tasks)
                release = threading.Event()
                done: list[bool] = []

                def job() -> None:
                    done.append(release.wait(5))

                waiting = asyncio.ensure_future(workers.run(job))
                await asyncio.sleep(0)
                waiting.cancel()
                release.set()
                assert await workers.drain(5)
                assert done == [True]

        run(scenario())

    def test_idle_threads_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(workers_module, "IDLE_S", 0.01)

        async def scenario() -> None:
            async with supervised() as tasks:
                workers = Workers("test", 4, tasks)
                await workers.run(lambda: None)
                await until(lambda: workers._threads == 0)
                assert await workers.run(lambda: "a new one") == "a new one"

        run(scenario())

    def test_close_lets_threads_finish_what_is_queued(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                workers = Workers("test", 1, tasks)
                results: list[int] = []
                for number in range(5):
                    workers.submit(partial(int, number), results.append)
                workers.close()
                await until(lambda: len(results) == 5 and workers._threads == 0)
                assert results == list(range(5))

        run(scenario())
