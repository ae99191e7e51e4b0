"""daemon/lean.py: what is banned within is there again behind."""

import importlib
import sys

import pytest

from torrentd.daemon.lean import without


def test_a_module_cannot_be_imported_within_and_can_be_behind() -> None:
    sys.modules.pop("colorsys", None)
    with without("colorsys"), pytest.raises(ImportError):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys") is sys.modules["colorsys"]


def test_one_that_was_there_stays_there() -> None:
    with without("sys"):
        assert importlib.import_module("sys") is sys
    assert sys.modules["sys"] is sys
