"""The version is the package's own."""

import tomllib

from tests.shared import ROOT
from torrentd.daemon.version import VERSION, package_version


def test_the_version_is_that_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_code_that_was_never_installed_has_no_version() -> None:
    assert package_version("a-package-that-nobody-installed") == "unknown"
