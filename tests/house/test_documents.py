"""What is written about the house is true: README, Makefile, gate, and the keys of the file."""

import re
import subprocess

import pytest

from tests.house.source_tree import modules, source
from tests.shared import CODE_FOLDERS, ROOT
from torrentd.config.keys import all_keys
from torrentd.daemon.ctl.arguments import make_parser

README = ROOT / "README.md"
MAKEFILE = (ROOT / "Makefile").read_text()
MACHINE = re.compile(r"/[w]ork/(main|shared)|/[r]oot/|index[-]url")  # never matches itself
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def documents() -> list[str]:
    return [str(path.relative_to(ROOT)) for path in (README, *sorted((ROOT / "docs").glob("*.md")))]


def test_the_readme_tells_in_one_screen_what_it_is_why_and_how() -> None:
    screen = README.read_text().splitlines()[:40]
    assert max(map(len, screen)) <= 80
    told = "\n".join(screen)
    for needed in ("A torrent daemon", "(docs/session.svg)", "**Why switch**", "**Install**"):
        assert needed in told
    commands = re.findall(r"^    torrentctl ([a-z-]+)", told, re.MULTILINE)
    assert len(commands) == 6 and {*commands} <= {*make_parser()[1]}


@pytest.mark.parametrize("command", ["make run", "make test", "make run MAGNET="])
def test_the_readme_has_the_commands(command: str) -> None:
    assert command in README.read_text()
    assert re.search(rf"^{command.split()[1]}:", MAKEFILE, re.MULTILINE)


def test_every_make_command_in_the_readme_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)\b", README.read_text()))
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert named & {"run", "test"} == {"run", "test"}
    assert {name for name in named if f"`make {name}" in README.read_text()} <= targets


def test_the_readme_names_every_verb_of_torrentctl() -> None:
    table = [line for line in README.read_text().splitlines() if line.startswith("| `")]
    named = " ".join(re.findall(r"`([^`]+)`", " ".join(line.split(" | ")[0] for line in table)))
    spoken = named.replace("[", "").replace("]", "").split()
    assert {word for verb in make_parser()[1] for word in verb.split()} - set(spoken) == set()


def test_the_gate_runs_the_readmes_test_command() -> None:
    gate = (ROOT / ".ci" / "run").read_text()
    assert re.search(r"^make test\b", gate, re.MULTILINE)
    assert "TORRENTD_REAL_CLIENTS=required" in gate


@pytest.mark.parametrize("document", documents())
def test_every_link_between_files_leads_somewhere(document: str) -> None:
    path = ROOT / document
    targets = LINK.findall(path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_readme_shows_every_room_of_the_house() -> None:
    text = README.read_text()
    assert [
        folder for folder in (*CODE_FOLDERS, "tests", "systemd") if f"{folder}/" not in text
    ] == []


@pytest.mark.parametrize("name", [key.name for key in all_keys().values() if not key.section])
def test_every_key_of_the_configuration_is_read_by_somebody(name: str) -> None:
    """A key that changes nothing is a lie to whoever sets it."""
    attribute = {"control.mode": "permissions"}.get(name, name.rpartition(".")[2])
    use = re.compile(rf"\.{attribute}\b")
    rooms = [module for module in source() if not module.path.startswith("config/")]
    assert any(use.search(module.text) for module in rooms)


def test_no_path_of_a_machine_and_no_host_of_a_registry_is_committed() -> None:
    folders = (*ROOT.glob("docs/*"), *ROOT.glob("systemd/**/*"), *ROOT.glob("config/*.yaml"))
    texts = [README, *(path for path in folders if path.is_file())]
    texts += [ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / ".ci" / "run"]
    texts += [ROOT / module.path for module in modules()]
    assert [str(path) for path in texts if MACHINE.search(path.read_text())] == []


def test_files_that_are_made_are_not_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    made = re.compile(r"(^|/)(__pycache__|\.venv|dist|build|\.mypy_cache|downloads)/|\.pyc$")
    assert [name for name in listed.stdout.splitlines() if made.search(name)] == []
