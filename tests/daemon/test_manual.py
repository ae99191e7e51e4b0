"""The manual pages: everything that can be typed or set is in them, and troff takes them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from torrentd.config.keys import all_keys
from torrentd.daemon.ctl.arguments import make_parser
from torrentd.daemon.main import make_parser as make_daemon_parser
from torrentd.daemon.manual import SEE_ALSO, pages
from torrentd.daemon.roff import plain

REQUESTS = {".TH", ".SH", ".SS", ".PP", ".TP", ".RS", ".RE", ".nf", ".fi", ".br"}


def test_every_verb_and_option_of_torrentctl_is_told() -> None:
    page = pages()["torrentctl.1"]
    parser, verbs = make_parser()
    for name in verbs:
        assert re.search(rf'^\.SS "{re.escape(plain(name))}[ "]', page, re.MULTILINE), name
    names = {name for each in (parser, *verbs.values()) for name in each.option_names()}
    assert {name for name in names if f"\\fB{plain(name)}\\fR" not in page} == set()
    for code in ("0", "1", "2", "3", "4", "130"):
        assert f".TP\n\\fB{code}\\fR\n" in page


def test_a_group_of_verbs_stands_together() -> None:
    headings = re.findall(r'^\.SS "([a-z\\-]+ ?[a-z\\-]*)', pages()["torrentctl.1"], re.MULTILINE)
    groups = [heading.split()[0] for heading in headings]
    assert groups.index("dht") + groups.count("dht") - 1 == len(groups) - 1 - groups[::-1].index(
        "dht"
    )
    assert groups.count("dht") >= 6


def test_every_option_of_torrentd_and_every_key_is_told() -> None:
    for action in make_daemon_parser()._actions:
        for name in action.option_strings:
            assert f"\\fB{plain(name)}\\fR" in pages()["torrentd.8"]
    text = pages()["torrentd.yaml.5"]
    for key in all_keys().values():
        assert (f".SS {key.name}" if key.section else f"\\fB{plain(key.name)}\\fR") in text


@pytest.mark.parametrize("name", sorted(SEE_ALSO))
def test_every_request_in_a_page_is_one_of_man_7(name: str) -> None:
    page = pages()[name]
    used = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert used <= REQUESTS
    assert page.startswith(f".TH {name.rpartition('.')[0].upper()} {name[-1]} ")
    if shutil.which("groff"):
        command = ["groff", "-man", "-ww", "-z", "-Tutf8", "-Kutf8"]
        done = subprocess.run(
            command, input=page.encode(), capture_output=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_they_are_written_where_man_looks(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torrentd.daemon.manual", str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.?"))
    assert written == ["man1/torrentctl.1", "man5/torrentd.yaml.5", "man8/torrentd.8"]
    assert (tmp_path / "man8" / "torrentd.8").read_text() == pages()["torrentd.8"]
