"""config/load.py: a mistake is one sentence with file, line, key, what came and what is right."""

import os
from pathlib import Path

import pytest

from torrentd.config.load import EX_CONFIG, FILE_BYTES_MAX, ConfigError, load_config
from torrentd.config.schema import Config

ENVIRON = {"HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/1000"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "torrentd.yaml"


def loaded(file: Path, text: str) -> Config:
    file.write_text(text)
    return load_config(file, ENVIRON)


def sentences(file: Path, text: str) -> list[str]:
    """What the user is told, without the file's name."""
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file, ENVIRON)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{file}:") for line in lines)
    return [line.removeprefix(f"{file}:") for line in lines]


def test_without_a_file_the_defaults_work() -> None:
    config = load_config(None, ENVIRON)
    assert config.state_dir == Path("/home/u/.local/state/torrentd")
    assert config.download_dir == Path("/home/u/Downloads")
    assert config.control.socket == Path("/run/user/1000/torrentd/control.sock")
    assert config.listen.port == 6881
    assert not config.network.allow_local_addresses


def test_a_file_changes_what_it_names_and_nothing_else(file: Path) -> None:
    config = loaded(
        file,
        "state_dir: /srv/state\n"
        "listen: {port: 7000, addresses: ['192.0.2.1', '2001:db8::1']}\n"
        "control: {mode: '0600', group: torrent}\n"
        "limits: {piece_buffers_bytes_max: 128 MiB}\n",
    )
    default = load_config(None, ENVIRON)
    assert config.state_dir == Path("/srv/state")
    assert config.listen.port == 7000
    assert config.listen.addresses == ("192.0.2.1", "2001:db8::1")
    assert config.control.permissions == 0o600
    assert config.control.group == "torrent"
    assert config.control.socket == default.control.socket
    assert config.limits.piece_buffers_bytes_max == 128 << 20
    assert config.limits.connections_max == default.limits.connections_max
    assert config.dht == default.dht


def test_an_empty_section_and_an_empty_file_are_no_mistakes(file: Path) -> None:
    assert loaded(file, "") == load_config(None, ENVIRON)
    assert loaded(file, "listen:\ncontrol:\n  # mode: x\nlog: ~\n") == load_config(None, ENVIRON)


PORT = "a whole number from 1 to 65535"
PATH = "an absolute path, or one that begins with ~/"
HOST_PORT = "host:port, as in dht.example.org:6881"
ADDRESSES = "a list of 1 to 16 different IP addresses of this machine"
MODE = 'an octal mode in quotes without access for others, as in "0660" or "0600"'


@pytest.mark.parametrize(
    ("text", "came", "right"),
    [
        ("listen:\n  port: 70000", "2: listen.port: `70000` came", PORT),
        ("listen:\n  port: '80'", '2: listen.port: `"80"` came', PORT),
        ("listen:\n  port: true", "2: listen.port: `true` came", PORT),
        ("listen:\n  port: 1.0", "2: listen.port: `1.0` came", PORT),
        ("listen:\n  port:", "2: listen.port: nothing came", PORT),
        ("listen:\n  port: [1]", "2: listen.port: a list came", PORT),
        ("dht:\n  enabled: 1", "2: dht.enabled: `1` came", "true or false"),
        ("log: {level: x}", "1: log.level: `x` came", "one of debug, info, warning, error"),
        ("log: 5", "1: log: `5` came", "one or more indented lines with the keys level, format"),
        (
            "limits: {half_open_max: 0}",
            "1: limits.half_open_max: `0` came",
            "a whole number from 1 to 2000",
        ),
        (
            "limits:\n  files_max: 5 KiB",
            "2: limits.files_max: `5 KiB` came",
            "a whole number from 1 to 5000000",
        ),
        (
            "limits:\n  read_cache_bytes_max: 1 PB",
            "2: limits.read_cache_bytes_max: `1 PB` came",
            "a size from 0 to 64 GiB",
        ),
        (
            "seeding:\n  rules: ['when ratio > 2']",
            '2: seeding.rules[0]: `"when ratio > 2"` came (it needs a colon and what to do, as in '
            "when ratio > 2: pause)",
            'a rule in quotes, as in "when ratio > 2: pause"',
        ),
        ("state_dir: x", "1: state_dir: `x` came (it is relative)", PATH),
        ("state_dir: {}", "1: state_dir: a group of keys came (it is not text)", PATH),
        (
            "dht:\n  bootstrap:\n    - a:1\n    - b",
            "4: dht.bootstrap[1]: `b` came (the port is missing)",
            HOST_PORT,
        ),
        (
            "dht: {bootstrap: a:1}",
            "1: dht.bootstrap: `a:1` came",
            f"a list of entries, each {HOST_PORT}",
        ),
        ("control: {mode: '0777'}", '1: control.mode: `"0777"` came', MODE),
        ("listen: {addresses: []}", "1: listen.addresses: an empty list came", ADDRESSES),
    ],
)
def test_a_wrong_value_is_one_sentence(file: Path, text: str, came: str, right: str) -> None:
    assert sentences(file, text) == [f"{came}; right is {right}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\nlisten:\n  prot: 5", "3: listen.prot: no such key; the nearest one is listen.port"),
        ("port: 5", "1: port: no such key; the nearest one is listen.port"),
        ("log:\n  zz: 5", "2: log.zz: no such key; known here are log.level, log.format"),
        (
            "<<: {port: 5}",
            "1: <<: no such key; known here are state_dir, download_dir, incomplete_dir, listen, ",
        ),
        ("[1]", "1: the file must consist of lines `key: value`"),
    ],
)
def test_an_unknown_key_is_one_sentence(file: Path, text: str, expected: str) -> None:
    (sentence,) = sentences(file, text)
    assert sentence.startswith(expected)


def test_all_mistakes_are_told_in_the_order_of_the_file(file: Path) -> None:
    found = sentences(
        file,
        "listen:\n  port: 0\n  prot: 1\ndht:\n  enabled: on\nlog:\n  level: x\nfoo: 1\nlog: 3\n",
    )
    assert [sentence.split(": ")[:2] for sentence in found] == [
        ["2", "listen.port"],
        ["3", "listen.prot"],
        ["5", "dht.enabled"],
        ["7", "log.level"],
        ["8", "foo"],
        ["9", "log"],
    ]


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\nb: [", 3), ("a: 1\n\tb: 2", 2), ("a: '\n\n", 3)]
)
def test_a_syntax_error_has_its_line(file: Path, text: str, line: int) -> None:
    (sentence,) = sentences(file, text)
    assert sentence.startswith(f"{line}: not YAML: ")


def test_a_file_that_is_named_must_be_there(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(file, ENVIRON)
    assert str(caught.value) == f"{file}: cannot be read: No such file or directory"
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(file.parent, ENVIRON)


def test_a_file_without_an_end_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigError, match=f"larger than {FILE_BYTES_MAX} bytes"):
        load_config(Path("/dev/zero"), ENVIRON)


def test_the_mistake_may_stand_in_the_environment(file: Path) -> None:
    environ = {"HOME": "/home/u", "XDG_RUNTIME_DIR": "/" + "r" * 100}
    with pytest.raises(ConfigError) as caught:
        load_config(None, environ)
    told = str(caught.value)
    assert told.startswith("environment: control.socket: `/rrr")
    assert told.endswith("right is an absolute path of at most 107 bytes")
    file.write_text("control: {socket: /run/s}")
    assert load_config(file, environ).control.socket == Path("/run/s")


def test_the_file_is_never_written(file: Path) -> None:
    file.write_text("listen: {port: 7000}")
    os.chmod(file, 0o400)
    before = file.stat()
    load_config(file, ENVIRON)
    after = file.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_the_exit_code_is_that_of_sysexits() -> None:
    assert EX_CONFIG == os.EX_CONFIG == 78
