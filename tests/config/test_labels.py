"""Which names labels may have."""

import pytest

from torrentd.config.labels import check_label


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a,b", "a:b", "a\nb", "a\x1b", "[a]", "-x"])
def test_what_is_no_name_of_a_label(name: str) -> None:
    with pytest.raises(ValueError):
        check_label(name)


def test_a_name_has_no_spaces_around_it() -> None:
    assert check_label(" Linux isos ") == "Linux isos"
