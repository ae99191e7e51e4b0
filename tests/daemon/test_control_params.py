"""Parameters are read by name and type; what nobody reads is refused."""

import pytest

from torrentd.daemon.control_lines import Json, LineError
from torrentd.daemon.control_params import PATH_BYTES_MAX, TEXT_LENGTH_MAX, Params


def params(**values: Json) -> Params:
    return Params("verb", values)


class TestTypes:
    def test_what_is_absent_is_none_or_empty(self) -> None:
        empty = params()
        assert empty.text("a") is None and empty.path("b") is None and empty.switch("c") is None
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


class TestPatterns:
    def test_one_or_many(self) -> None:
        assert params(select="0,2").patterns("select") == ["0,2"]
        assert params(select=["*.mkv", "3"]).patterns("select") == ["*.mkv", "3"]
        assert params().patterns("select") == params(select=[]).patterns("select") == []

    @pytest.mark.parametrize("value", [1, "", [""], [1], ["x"] * 101, "x" * 1001, {}])
    def test_nonsense_and_too_many_are_refused(self, value: Json) -> None:
        with pytest.raises(LineError):
            params(select=value).patterns("select")


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
