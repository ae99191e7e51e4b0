"""What may come next on the command line; and the scripts that ask, in bash and what is there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.control_fixture import Served, serve
from tests.daemon.ctl.hostile import HOSTILE, is_safe
from tests.daemon.fake_session import FakeSession, make_torrent
from torrentd.daemon.ctl.arguments import make_parser
from torrentd.daemon.ctl.client import Client
from torrentd.daemon.ctl.completion import FILES, FOLDERS, Candidate, complete, live_torrents
from torrentd.daemon.ctl.main import main

NAMES = [Candidate("debian-12.iso", "seeding"), Candidate("c9e15763", "Sintel (2010)")]


def after(*words: str) -> list[str]:
    found = complete(make_parser()[0], words, lambda typed: NAMES)
    return [candidate.word for candidate in found]


class TestWords:
    @pytest.mark.parametrize(
        ("words", "candidates"),
        [
            (["stat"], ["status", "stats"]),
            (["dht", "no"], ["nodes"]),
            (["--json", "dht", "lo"], ["lookup"]),
            (["--socket", "status", "dht", "no"], ["nodes"]),
            (["remove", "--d"], ["--dry-run", "--data"]),
            (["dht", "nodes", "--j"], ["--json"]),
            (["wait", "x", "--until", ""], ["done", "metadata", "seeding"]),
            (["info", ""], ["debian-12.iso", "c9e15763"]),
            (["pause", "c9e1", "deb"], ["debian-12.iso"]),
            (["info", "c9e1", ""], []),
            (["add-peer", ""], ["debian-12.iso", "c9e15763"]),
            (["add-peer", "c9e1", ""], []),
            (["add", "x"], [FILES]),
            (["add", "--dir", "x"], [FOLDERS]),
            (["status", "--socket", ""], [FILES]),
            (["completion", "z"], ["zsh"]),
            (["xyzzy"], []),
            (["version", ""], []),
        ],
    )
    def test_what_the_last_word_could_become(self, words: list[str], candidates: list[str]) -> None:
        assert after(*words) == candidates

    def test_nothing_typed_is_every_verb(self) -> None:
        made = make_parser()[1]
        assert after() == after("") == [name for name in made if " " not in name]
        assert after("dht", "") == [name[4:] for name in made if name.startswith("dht ")]

    def test_the_words_of_a_script_are_not_taken_for_options(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["completion", "words", "--", "remove", "--"]) == 0
        words = [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()]
        assert "--data" in words and "--help" in words


class TestLive:
    def candidates(self, typed: str, *names: str) -> list[Candidate]:
        torrents = [make_torrent(0xC9E15763 + n, name) for n, name in enumerate(names)]
        with serve(FakeSession(*torrents)) as served:
            client = Client(str(served.path))
            try:
                return live_torrents(client, typed)
            finally:
                client.close()

    def test_a_plain_name_is_offered_and_its_infohash_when_that_is_typed(self) -> None:
        assert self.candidates("deb", "debian-12.iso") == [("debian-12.iso", "downloading")]
        assert self.candidates("c9e1", "debian-12.iso") == [("c9e15763", "debian-12.iso")]
        assert self.candidates("x", "debian-12.iso") == []

    @pytest.mark.parametrize(
        "name", [*HOSTILE, "$(reboot)", "`reboot`", "a; reboot", "a b", "-rf", "*", "~root", "all"]
    )
    def test_a_name_that_a_shell_might_act_on_never_becomes_a_word(self, name: str) -> None:
        [candidate] = self.candidates("", name)
        assert candidate.word == "c9e15763" and is_safe(candidate.meaning)

    def test_without_a_daemon_there_are_no_names_and_no_complaint(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TORRENTCTL_SOCKET", str(tmp_path / "none"))
        assert main(["completion", "words", "--", "info", ""]) == 0
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", "")


BASH = """
source <(torrentctl completion bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_torrentctl 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
autoload -Uz compinit && compinit -u -D
source <(torrentctl completion zsh)
_files() { print FILES }
_describe() { print -l -- "${(@P)2}" }
words=("$@") CURRENT=$#
_torrentctl
"""
FISH = """
torrentctl completion fish | source
complete -C (string join ' ' -- $argv)
"""

SHELLS = [("bash", BASH)]  # the others only where they are
SHELLS += [each for each in (("zsh", ZSH), ("fish", FISH)) if shutil.which(each[0])]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve(FakeSession(make_torrent(1, "debian-12.iso"), make_torrent(2, "a $(b)"))) as running:
        yield running


class TestShells:
    def ask(self, served: Served, shell: str, script: str, *words: str) -> list[str]:
        """What the shell itself would offer."""
        folder = Path(sys.executable).parent
        flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
        command = [shell, *flags, "-c", script, *(["shell"] if shell != "fish" else []), *words]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={
                **os.environ,
                "PATH": f"{folder}:{os.environ['PATH']}",
                "TORRENTCTL_SOCKET": str(served.path),
            },
        )
        return [line for line in done.stdout.splitlines() if line]

    @pytest.mark.parametrize(("shell", "script"), SHELLS)
    def test_verbs_options_and_names(self, served: Served, shell: str, script: str) -> None:
        def words(*typed: str) -> list[str]:
            lines = self.ask(served, shell, script, "torrentctl", *typed)
            cut = ":" if shell == "zsh" else "\t"
            return sorted(line.partition(cut)[0] for line in lines)

        assert words("statu") == ["status"]
        assert words("dht", "no") == ["nodes"]
        assert words("remove", "--da") == ["--data"]
        if shell != "fish":  # it takes a line, in which an empty word cannot be told
            assert words("info", "") == ["00000002", "debian-12.iso"]
        assert words("pause", "debian-12.iso", "deb") == ["debian-12.iso"]
