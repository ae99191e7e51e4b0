"""config/entries.py: what stands in lists, and the sentence for each mistake in one."""

from pathlib import Path

import pytest

from torrentd.config.entries import Hook, Label
from torrentd.config.load import ConfigError, load_config
from torrentd.config.schema import Config

ENVIRON = {"HOME": "/home/u"}


def loaded(folder: Path, text: str) -> Config:
    file = folder / "torrentd.yaml"
    file.write_text(text)
    return load_config(file, ENVIRON)


def problem(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    (sentence,) = str(caught.value).splitlines()
    return sentence.removeprefix(f"{folder}/torrentd.yaml:")


def test_hooks_are_a_list_of_maps(tmp_path: Path) -> None:
    text = "hooks:\n- on: [done, error]\n  command: [/bin/notify, '{name}', $HOME]\n"
    assert loaded(tmp_path, text).hooks == (
        Hook(on=("done", "error"), command=("/bin/notify", "{name}", "$HOME"), timeout_s=60),
    )
    assert loaded(tmp_path, "hooks: []").hooks == ()


def test_watch_folders_have_defaults_and_stand_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/u")
    text = "watch: [{path: ~/in}, {path: /srv/films, dir: /srv/data, labels: [film]}]"
    first, second = loaded(tmp_path, text).watch
    assert (str(first.path), first.dir) == ("/home/u/in", None)
    assert (first.labels, first.paused) == ((), False)
    assert (str(second.dir), second.labels) == ("/srv/data", ("film",))
    assert "twice" in problem(tmp_path, "watch: [{path: /a}, {path: /a/}]")
    assert "watch[0].path" in problem(tmp_path, "watch: [{path: in}]")
    assert "watch[0].dir: `x` came" in problem(tmp_path, "watch: [{path: /a, dir: x}]")


def test_labels_bring_what_their_maps_say(tmp_path: Path) -> None:
    text = (
        "seeding:\n  labels:\n  - name: isos\n    dir: /srv/isos\n"
        "    upload_bytes_per_s_max: 500K\n    rules: ['when ratio > 2: pause']\n  - {name: x}\n"
    )
    isos, other = loaded(tmp_path, text).seeding.labels
    assert (isos.name, isos.dir, isos.upload_bytes_per_s_max) == ("isos", Path("/srv/isos"), 512000)
    assert isos.rules == ("when ratio > 2: pause",) and not isos.sequential
    assert other == Label(name="x")
    for wrong, sentence in (
        (
            "'isos: up 5K'",
            "came; right is a map with the keys name",
        ),
        ("{name: 'a*'}", "came (a label has no comma"),
        ("{name: a, up: 5K}", "seeding.labels[0].up: no such key"),
        ("{name: a, rules: [never]}", "seeding.labels[0].rules[0]: "),
        ("{name: a}, {name: a}", "twice"),
    ):
        assert sentence in problem(tmp_path, f"seeding: {{labels: [{wrong}]}}")


@pytest.mark.parametrize(
    ("hook", "sentence"),
    [
        ("on: [finished], command: [/bin/x]", "1: hooks[0].on[0]: `finished` came; right is"),
        ("on: [], command: [/bin/x]", "1: hooks[0].on: "),
        ("on: [done, done], command: [/x]", "1: hooks[0].on: "),
        ("on: [done], command: /bin/x -v", "1: hooks[0].command: `/bin/x -v` came; right is the"),
        ("on: [done], command: [notify]", "(the program is not named by its absolute path)"),
        ('on: [done], command: ["/x", "a\\0"]', "1: hooks[0].command[1]: "),
        ("on: [done], command: [/x], timeout_s: 0", "1: hooks[0].timeout_s: `0` came; right is a"),
        ("on: [done]", "hooks[0].command"),
        ("on: [done], command: [/x], shell: true", "1: hooks[0].shell: no such key; known here"),
        ("on: [done], comand: [/x], command: [/x]", "the nearest one is hooks.command"),
    ],
)
def test_a_mistake_in_one_has_its_line_and_key(tmp_path: Path, hook: str, sentence: str) -> None:
    assert sentence in problem(tmp_path, f"hooks: [{{{hook}}}]")
