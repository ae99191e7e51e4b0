"""Who waits for a torrent hears of it once, or is told that it goes."""

from tests.daemon.session_room import run
from torrentd.daemon.waiters import Waiters


def test_each_goal_has_those_who_wait_for_it() -> None:
    async def scenario() -> None:
        waiters = Waiters()
        metadata, done = waiters.add("metadata"), waiters.add("done")
        waiters.tell({"metadata": False, "done": False})
        assert not metadata.done() and not done.done()
        waiters.tell({"metadata": True, "done": False})
        assert metadata.done() and not done.done()
        waiters.tell({"metadata": True, "done": True})
        assert done.done()

    run(scenario())


def test_who_gave_up_waiting_is_forgotten_and_the_rest_hear_of_the_end() -> None:
    async def scenario() -> None:
        waiters = Waiters()
        gone, faithful = waiters.add("done"), waiters.add("done")
        gone.cancel()
        waiters.tell({"metadata": True, "done": False})
        assert len(waiters._waiting) == 1
        waiters.cancel()
        assert faithful.cancelled()

    run(scenario())
