"""config/values.py: the types of values that are ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from torrentd.config.schema import Config, Control, Dht, Limits, Seeding
from torrentd.config.values import SOCKET_PATH_BYTES_MAX, size_text, split_host_port


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("1 MiB", 1 << 20),
        ("64MiB", 64 << 20),
        ("2 GiB", 2 << 30),
        ("3M", 3 << 20),
        ("1.5 G", 3 << 29),
    ],
)
def test_a_size_may_have_a_binary_unit(text: str, size_bytes: int) -> None:
    limits = Limits.model_validate({"piece_buffers_bytes_max": text})
    assert limits.piece_buffers_bytes_max == size_bytes


@pytest.mark.parametrize("text", ["64 MB", "64 mib", "-1 MiB", "1,5 MiB", "MiB", "64", "٦٤ MiB"])
def test_a_size_in_another_unit_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate({"piece_buffers_bytes_max": text})


@given(st.integers(1 << 20, 64 << 30))
def test_a_size_is_read_back_from_its_text(size_bytes: int) -> None:
    text = size_text(size_bytes)
    value: str | int = int(text) if text.isdigit() else text
    limits = Limits.model_validate({"piece_buffers_bytes_max": value})
    assert limits.piece_buffers_bytes_max == size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dht.libtorrent.org:25401", ("dht.libtorrent.org", 25401)),
        ("192.0.2.1:1", ("192.0.2.1", 1)),
        ("[2001:DB8:0::1]:65535", ("2001:db8::1", 65535)),
        ("localhost.:6881", ("localhost.", 6881)),
    ],
)
def test_host_and_port(text: str, expected: tuple[str, int]) -> None:
    assert split_host_port(text) == expected
    assert Dht.model_validate({"bootstrap": [text]}).bootstrap == (text,)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "host", "host:", ":1", "host:0", "host:65536", "host:-1", "host:٣", "a b:1"),
        *("[::1:1", "2001:db8::1:6881", "[1.2.3.4]:1", "a/b:1", "-:1", "host:6881\n"),
        *("x" * 254 + ":1", "h:" + "9" * 5000),
    ],
)
def test_what_is_no_host_and_port(text: str) -> None:
    with pytest.raises(ValueError):
        split_host_port(text)


@given(st.text(max_size=30))
def test_any_text_is_a_host_and_port_or_a_value_error(text: str) -> None:
    try:
        host, port = split_host_port(text)
    except ValueError:
        return
    assert host
    assert 1 <= port <= 65535


def test_the_path_of_a_socket_fits_into_sun_path() -> None:
    fitting = "/" + "s" * (SOCKET_PATH_BYTES_MAX - 1)
    assert str(Control.model_validate({"socket": fitting}).socket) == fitting
    with pytest.raises(ValidationError, match="longer"):
        Control.model_validate({"socket": fitting + "s"})
    with pytest.raises(ValidationError, match="longer"):
        Control.model_validate({"socket": "/" + "ä" * 54})  # bytes are counted, not characters


@pytest.mark.parametrize("path", ["", "x", "./x", "$HOME/x", "~no-such-user-here/x", "/a\0b", 5])
def test_a_path_is_absolute(path: str | int) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate(
            {"state_dir": path, "download_dir": "/d", "control": {"socket": "/s"}}
        )


def test_a_tilde_is_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    config = Config.model_validate(
        {"state_dir": "~/state", "download_dir": "~", "control": {"socket": "~/s"}}
    )
    assert str(config.state_dir) == "/home/someone/state"
    assert str(config.download_dir) == "/home/someone"
    assert str(config.control.socket) == "/home/someone/s"


@pytest.mark.parametrize(
    ("rules", "labels"),
    [
        (["when ratio > 2"], []),
        ([], ["films"]),
        ([], [{"name": "films"}, {"name": " films "}]),
        ([], [{"name": "a:b"}]),
        ([], [{"name": "a", "rules": ["when ratio > 2"]}]),
        (["ratio > 2: pause"] * 21, []),
    ],
)
def test_what_is_no_rule_or_label(rules: list[str], labels: list[object]) -> None:
    with pytest.raises(ValidationError):
        Seeding.model_validate({"rules": rules, "labels": labels})


def test_rules_are_kept_as_they_are_written() -> None:
    assert Seeding.model_validate({"rules": ["ratio>2: pause"]}).rules == ("ratio>2: pause",)
