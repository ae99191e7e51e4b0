"""A table of many rows: what is seen, where the cursor is, and what is drawn again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from torrentd.daemon.ctl.columns import Column
from torrentd.daemon.ctl.screen.table import Table

COLUMNS = [Column("N", 4, right=True), Column("NAME", 0)]


class Shown(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.made: list[str] = []  # the rows that were
        self.values: dict[str, str] = {}
        self.moves = 0
        self.table = Table(COLUMNS, ("NAME", "N"), self.cells)

    def compose(self) -> ComposeResult:
        yield self.table

    def cells(self, key: str) -> Sequence[str]:
        self.made.append(key)
        return [key, self.values.get(key, f"row {key}")]

    def on_table_moved(self) -> None:
        self.moves += 1

    def show(self, count: int) -> None:
        self.table.show([str(number) for number in range(count)], empty="nothing here")

    def lines(self) -> list[str]:
        return [self.table.render_line(y).text.strip() for y in range(self.table.size.height)]


def run(story: Callable[[Shown, Pilot[None]], Awaitable[None]]) -> None:
    async def within() -> None:
        app = Shown()
        async with app.run_test(size=(40, 6)) as pilot:
            app.table.focus()
            await story(app, pilot)

    asyncio.run(within())


def test_of_ten_thousand_rows_only_those_that_are_seen_are_made() -> None:
    async def story(app: Shown, pilot: Pilot[None]) -> None:
        app.show(10_000)
        assert app.lines() == ["N NAME", *(f"{number} row {number}" for number in range(5))]
        assert set(app.made) == set("01234")
        await pilot.press("end")
        assert app.lines()[-1] == "9999 row 9999" and app.table.chosen == "9999"
        assert len(set(app.made)) == 10
        assert app.table.seen() == ["9995", "9996", "9997", "9998", "9999"]

    run(story)


def test_the_cursor_stays_within_and_in_sight() -> None:
    async def story(app: Shown, pilot: Pilot[None]) -> None:
        app.show(20)
        for keys, place, first in (
            (["up"], 1, "0"),
            (["down", "j"], 3, "0"),
            (["pagedown"], 7, "2"),
            (["pagedown"], 11, "6"),
            (["k", "k"], 9, "6"),
            (["pageup"], 5, "4"),
            (["end"], 20, "15"),
            (["down"], 20, "15"),
            (["home"], 1, "0"),
        ):
            await pilot.press(*keys)
            assert (app.table.place, app.table.seen()[0]) == ((place, 20), first), keys

    run(story)


def test_the_cursor_stays_on_its_row_in_another_order() -> None:
    async def story(app: Shown, pilot: Pilot[None]) -> None:
        app.show(20)
        await pilot.press("down", "down")
        app.table.show([str(number) for number in reversed(range(20))], empty="")
        assert app.table.chosen == "2" and "2" in app.table.seen()
        app.table.show(["7", "8"], empty="")
        assert app.table.chosen == "8"

    run(story)


def test_no_row_is_said_and_nothing_is_chosen() -> None:
    async def story(app: Shown, pilot: Pilot[None]) -> None:
        app.show(0)
        assert app.lines()[1] == "nothing here"
        await pilot.press("down", "pageup", "end")
        assert app.table.chosen is None and app.table.place == (0, 0)

    run(story)


def test_only_lines_that_look_otherwise_are_drawn_again() -> None:
    async def story(app: Shown, pilot: Pilot[None]) -> None:
        app.show(20)
        await pilot.pause()
        drawn: list[Region] = []
        refresh = app.table.refresh

        def counted(*regions: Region, **options: bool) -> Table:
            drawn.extend(regions)
            return refresh(*regions, **options)

        app.table.refresh = counted  # type: ignore[method-assign]  # what it is asked to draw
        app.show(20)
        assert drawn == []
        app.values["3"] = "another"
        app.values["17"] = "out of sight"
        app.show(20)
        assert drawn == [Region(0, 4, 40, 1)]
        assert app.lines()[4] == "3 another"

    run(story)


def test_it_says_when_another_row_is_chosen() -> None:
    async def story(app: Shown, pilot: Pilot[None]) -> None:
        app.show(3)
        await pilot.press("down")
        await pilot.pause()
        moves = app.moves
        await pilot.press("end", "end")
        app.show(3)
        await pilot.pause()
        assert app.moves == moves + 1

    run(story)


def test_another_size_shows_other_rows() -> None:
    async def story(app: Shown, pilot: Pilot[None]) -> None:
        app.show(20)
        await pilot.press("end")
        await pilot.resize_terminal(30, 4)
        await pilot.pause()
        assert app.table.size == (30, 4)
        assert app.lines() == ["N NAME", "17 row 17", "18 row 18", "19 row 19"]
        await pilot.resize_terminal(30, 30)
        await pilot.pause()
        assert app.lines()[1] == "0 row 0" and app.lines()[20] == "19 row 19"

    run(story)
