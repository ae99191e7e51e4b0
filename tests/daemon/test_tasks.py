"""Who stops the daemon, and who does not."""

import asyncio

from tests.daemon.session_room import run, until
from torrentd.daemon.tasks import FAULTS_KEPT_MAX, Tasks


async def _raise(error: BaseException) -> None:
    raise error


class TestSpawn:
    def test_a_task_that_fails_is_fatal_once(self) -> None:
        async def scenario() -> None:
            told: list[BaseException] = []
            tasks = Tasks(told.append)
            first, second = ValueError("first"), ValueError("second")
            tasks.spawn(_raise(first), "one")
            tasks.spawn(_raise(second), "two")
            await until(lambda: tasks.fault_count == 2)
            assert told == [first]
            assert tasks.faults == [first, second]

        run(scenario())

    def test_close_cancels_what_runs_and_that_is_no_fault(self) -> None:
        async def scenario() -> None:
            tasks = Tasks(lambda error: None)
            task = tasks.spawn(asyncio.Event().wait(), "for ever")  # type: ignore[arg-type]  # its True is of no use
            await tasks.close()
            assert task.cancelled()
            assert tasks.fault_count == 0

        run(scenario())


class TestBlame:
    def test_a_fault_in_a_peers_core_is_counted_and_not_fatal(self) -> None:
        told: list[BaseException] = []
        tasks = Tasks(told.append)
        for _ in range(FAULTS_KEPT_MAX + 5):
            tasks.peer_fault(ValueError())
        assert told == []
        assert tasks.fault_count == FAULTS_KEPT_MAX + 5
        assert len(tasks.faults) == FAULTS_KEPT_MAX

    def test_what_the_network_did_is_no_bug_of_ours(self) -> None:
        async def scenario() -> None:
            told: list[BaseException] = []
            tasks = Tasks(told.append)
            loop = asyncio.get_running_loop()
            tasks.on_loop_exception(loop, {"message": "reset", "exception": ConnectionResetError()})
            tasks.on_loop_exception(loop, {"message": "nothing raised"})
            assert told == []
            bug = KeyError("bug")
            tasks.on_loop_exception(loop, {"message": "callback", "exception": bug})
            assert told == [bug]

        run(scenario())
