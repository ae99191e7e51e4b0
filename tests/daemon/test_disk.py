"""A folder that hangs holds up nothing but itself."""

import threading
from pathlib import Path

from tests.daemon.session_room import run, supervised
from torrentd.daemon.disk import FOLDERS_MAX, THREADS_PER_FOLDER_MAX, Disk


class TestDisk:
    def test_a_folder_that_hangs_does_not_hold_up_another_one_or_the_state(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                disk = Disk(tasks, 1024, 16)
                mended = threading.Event()
                hung = disk.workers_for(Path("/hung"))
                for _ in range(2 * THREADS_PER_FOLDER_MAX):
                    hung.submit(mended.wait, lambda _: None)
                assert await disk.workers_for(Path("/well")).run(lambda: "read") == "read"
                assert await disk.state.run(lambda: "saved") == "saved"
                assert not await disk.drain(0.01)
                mended.set()
                assert await disk.drain(5)
                assert hung.unfinished == 0
                disk.close()

        run(scenario())

    def test_a_folder_keeps_its_threads_and_beyond_the_maximum_folders_share(self) -> None:
        async def scenario() -> None:
            async with supervised() as tasks:
                disk = Disk(tasks, 1024, 16)
                own = [disk.workers_for(Path(f"/{n}")) for n in range(FOLDERS_MAX)]
                assert len({id(workers) for workers in [disk.state, *own]}) == FOLDERS_MAX + 1
                assert disk.workers_for(Path("/0")) is own[0]
                for n in range(FOLDERS_MAX, 3 * FOLDERS_MAX):
                    assert disk.workers_for(Path(f"/{n}")) in own  # never those of the state
                disk.close()

        run(scenario())
