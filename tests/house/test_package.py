"""What is installed: every folder travels in the wheel and in the sdist, and the scripts start."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

from tests.house.source_tree import modules, source
from tests.shared import CODE_FOLDERS, ROOT
from torrentd.daemon.client.schema import schemas

SHELLS = ("bash", "zsh", "fish")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both distributions, the wheel made from the sdist: a folder lost there is lost in both."""
    folder = tmp_path_factory.mktemp("dist")
    hatchling("sdist", ROOT, folder)
    (folder / "unpacked").mkdir()
    run("tar", "-xzf", the_only(folder, "*.tar.gz"), "-C", folder / "unpacked")
    hatchling("wheel", the_only(folder / "unpacked", "*"), folder)
    return folder


def hatchling(target: str, checkout: Path, destination: Path) -> None:
    arguments = ("-m", "hatchling", "build", "-d", destination, "-t", target)
    run(sys.executable, *arguments, cwd=checkout)


def run(*command: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def the_only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_the_wheel_has_every_module_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(the_only(built, "*.whl")) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {f"torrentd/{module.path}" for module in source()}
    data = {"torrentd/__init__.py", "torrentd/py.typed", "torrentd/config/torrentd.yaml"}
    data |= {f"torrentd/daemon/ctl/completions/torrentctl.{shell}" for shell in SHELLS}
    data |= {f"torrentd/daemon/client/schemas/{name}" for name in schemas()}
    assert names == expected | data


def test_the_sdist_can_be_built_and_tested_by_a_stranger(built: Path) -> None:
    with tarfile.open(the_only(built, "*.tar.gz")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    expected = {module.path for module in modules()}
    files = {"README.md", "LICENSE", "Makefile", "pyproject.toml", "systemd/torrentd.service"}
    assert (expected | files | {"src/torrentd/py.typed"}) - names == set()
    linked = tuple(f"src/torrentd/{folder}/" for folder in CODE_FOLDERS)
    assert [name for name in names if name.startswith(linked)] == []


def test_the_wheel_runs_from_where_nothing_else_is(built: Path) -> None:
    """Without the checkout on the path; its dependencies come from this environment."""
    wheel = the_only(built, "*.whl")
    code = (
        f"import sys; sys.path.insert(0, {str(wheel)!r})\n"
        "import torrentd.config.load, torrentd.dht.node, torrentd.wire.peer.connection\n"
        "from torrentd.daemon.client import AsyncClient, Client, ClientError\n"
        "assert callable(Client().status) and callable(AsyncClient().status)\n"
        f"assert torrentd.config.load.__file__.startswith({str(wheel)!r})"
    )
    run(sys.executable, "-c", code, cwd=built)


@pytest.mark.parametrize(("script", "target"), sorted(PROJECT["scripts"].items()))
def test_a_script_has_something_to_start(script: str, target: str) -> None:
    module, _, function = target.partition(":")
    assert script in ("torrentd", "torrentctl")
    assert callable(getattr(import_module(module), function))


def test_both_scripts_are_there() -> None:
    assert set(PROJECT["scripts"]) == {"torrentd", "torrentctl"}


def test_every_dependency_has_a_lower_bound() -> None:
    extras = [each for extra in PROJECT["optional-dependencies"].values() for each in extra]
    assert [each for each in (*PROJECT["dependencies"], *extras) if ">=" not in each] == []


def test_the_folders_are_linked_into_the_package() -> None:
    for folder in CODE_FOLDERS:
        link = ROOT / "src" / "torrentd" / folder
        if link.is_symlink():  # an unpacked sdist has none
            assert link.resolve() == ROOT / folder
