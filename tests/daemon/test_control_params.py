"""Parameters are read by name and type; what nobody reads is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_params import PATH_BYTES_MAX, SELECT_MAX, TEXT_LENGTH_MAX, Params


def params(**values: Json) -> Params:
    return Params("verb", values)


class TestTypes:
    def test_what_is_absent_is_none_or_empty(self) -> None:
        empty = params()
        assert empty.text("a") is None and empty.path("b") is None and empty.ranges("c") is None
        assert empty.texts("d") == [] and empty.flag("e") is False
        assert empty.number("f", 0, 1) is None and empty.integer("g", 0, 1) is None

    def test_values_come_as_they_are(self) -> None:
        assert params(a="x").required_text("a") == "x"
        assert params(a=["x", "y"]).required_texts("a") == ["x", "y"]
        assert params(a=True).flag("a") is True
        assert params(a=3).number("a", 0, 5) == 3.0
        assert params(a=3).integer("a", 0, 5) == 3

    @pytest.mark.parametrize("value", [1, True, [], {}, "", "x" * (TEXT_LENGTH_MAX + 1), "\ud800"])
    def test_a_text_is_a_string_of_valid_unicode(self, value: Json) -> None:
        with pytest.raises(LineError):
            params(a=value).text("a")

    @pytest.mark.parametrize("value", ["x", [1], [""], ["x"] * 1001, {"x": 1}])
    def test_texts_are_a_list_of_them(self, value: Json) -> None:
        with pytest.raises(LineError):
            params(a=value).texts("a")

    @pytest.mark.parametrize("value", [0, 1, "true", [], {}])
    def test_a_flag_is_true_or_false(self, value: Json) -> None:
        with pytest.raises(LineError):
            params(a=value).flag("a")

    @pytest.mark.parametrize("value", [True, "1", -1, 11, [1]])
    def test_numbers_have_bounds(self, value: Json) -> None:
        with pytest.raises(LineError):
            params(a=value).number("a", 0, 10)
        with pytest.raises(LineError):
            params(a=value).integer("a", 0, 10)
        with pytest.raises(LineError):
            params(a=1.5).integer("a", 0, 10)

    def test_what_is_required_must_be_there(self) -> None:
        with pytest.raises(LineError, match='verb needs "torrent"'):
            params().required_text("torrent")
        with pytest.raises(LineError):
            params(a=[]).required_texts("a")

    def test_a_choice_is_one_of_its_words(self) -> None:
        assert params().choice("until", ("done", "metadata"), "done") == "done"
        assert params(until="metadata").choice("until", ("done", "metadata"), "done") == "metadata"
        with pytest.raises(LineError, match='"done" or "metadata"'):
            params(until="soon").choice("until", ("done", "metadata"), "done")


class TestPaths:
    def test_an_absolute_path_is_taken(self) -> None:
        assert params(dir="/srv/films").path("dir") == "/srv/films"

    @pytest.mark.parametrize(
        "path", ["films", "./films", "~/films", "/srv/../etc", "/a\0b", "/" + "x" * PATH_BYTES_MAX]
    )
    def test_any_other_is_refused(self, path: str) -> None:
        with pytest.raises(LineError, match="an absolute path"):
            params(dir=path).path("dir")


class TestRanges:
    @given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), min_size=1, max_size=8))
    def test_ranges_name_the_indices_one_by_one(self, spans: list[tuple[int, int]]) -> None:
        text = ",".join(f"{low}-{low + more}" if more else str(low) for low, more in spans)
        oracle = {low + step for low, more in spans for step in range(more + 1)}
        assert params(select=text).ranges("select") == sorted(oracle)

    @pytest.mark.parametrize(
        "text", ["x", "1,", ",1", "1-", "-1", "3-2", "1--2", "1 2", "99999999", "0-9999999", "٣"]
    )
    def test_nonsense_and_too_many_are_refused(self, text: str) -> None:
        with pytest.raises(LineError):
            params(select=text).ranges("select")

    def test_the_largest_torrent_fits(self) -> None:
        indices = params(select=f"0-{SELECT_MAX - 1}").ranges("select")
        assert indices is not None and len(indices) == SELECT_MAX


class TestUnknown:
    def test_a_parameter_nobody_read_is_refused_with_the_nearest_name(self) -> None:
        unread = params(pasued=True)
        unread.flag("paused")
        with pytest.raises(LineError, match='knows no "pasued"; did you mean "paused"'):
            unread.refuse_unknown()

    def test_everything_read_is_no_complaint(self) -> None:
        read = params(paused=True)
        read.flag("paused")
        read.refuse_unknown()
