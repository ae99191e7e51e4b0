"""The command line: what is understood, and the sentence for what is not."""

import os

import pytest

from torrentd.daemon.ctl.arguments import Options, parse
from torrentd.daemon.ctl.failure import USAGE, Failure

DHT_VERBS = "status nodes lookup scrape get put sample ping add-node"
VERBS = (
    "add show create status info why peers files pieces export pause resume remove verify add-peer "
    "announce ban wait events dht follow unfollow publish completion version shutdown"
)


def refusal(*arguments: str) -> str:
    with pytest.raises(Failure) as caught:
        parse(arguments)
    assert caught.value.exit_code == USAGE
    return caught.value.sentence


class TestUnderstood:
    def test_options_stand_before_the_verb_or_after_it(self) -> None:
        for arguments in (
            ["--socket", "/s", "--json", "status"],
            ["status", "--json", "--socket=/s"],
            ["--json", "status", "--socket", "/s"],
        ):
            options = parse(arguments)
            assert (options.socket, options.as_json, options.verb) == ("/s", True, "status")

    def test_an_option_not_given_has_its_default(self) -> None:
        options = parse(["wait", "one"])
        assert (options.until, options.timeout_s, options.as_json) == ("done", None, False)
        assert isinstance(options, Options)

    def test_add_with_everything(self) -> None:
        line = ["add", "a.torrent", "--dir", "films", "--select", "0,2,4-7", "--wait"]
        options = parse([*line, "--timeout", "2m"])
        assert options.sources == ["a.torrent"] and options.params == {"select": ["0,2,4-7"]}
        assert options.dir == os.path.join(os.getcwd(), "films"), (
            "absolute: the daemon is elsewhere"
        )
        assert options.wait and options.timeout_s == 120

    def test_standard_input_is_a_source(self) -> None:
        assert parse(["add", "-", "b"]).sources == ["-", "b"]

    @pytest.mark.parametrize(
        ("text", "seconds"), [("90", 90), ("1.5s", 1.5), ("5m", 300), ("2h", 7200), ("1d", 86400)]
    )
    def test_times(self, text: str, seconds: float) -> None:
        assert parse(["wait", "x", "--timeout", text]).timeout_s == seconds

    @pytest.mark.parametrize("verb", DHT_VERBS.split())
    def test_a_verb_of_a_group_is_named_by_both_words(self, verb: str) -> None:
        wanted = ["192.0.2.1:80"] if verb not in ("status", "nodes") else []
        assert parse(["dht", "--json", verb, *wanted]).verb == f"dht {verb}"
        assert parse(["dht", verb, *wanted, "--socket", "/s"]).socket == "/s"

    def test_dht_alone_is_its_status(self) -> None:
        options = parse(["dht", "--json"])
        assert (options.verb, options.as_json) == ("dht status", True)

    def test_remove_and_add_peer(self) -> None:
        assert parse(["remove", "a", "b", "--data"]).data
        options = parse(["add-peer", "c9e1", "[::1]:80"])
        assert (options.torrent, options.address) == ("c9e1", "[::1]:80")


class TestRefused:
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("statuss", "status"),
            ("ad", "add"),
            ("list", "status"),
            ("rm", "remove"),
            ("dth", "dht"),
        ],
    )
    def test_a_misspelt_or_foreign_verb_names_the_right_one(self, typed: str, meant: str) -> None:
        assert f'did you mean "{meant}"?' in refusal(typed)

    def test_a_strange_verb_names_them_all(self) -> None:
        assert all(verb in refusal("xyzzy") for verb in VERBS.split())

    def test_a_misspelt_option_names_the_right_one(self) -> None:
        assert refusal("add", "x", "--wiat") == 'add does not know --wiat; did you mean "--wait"?'
        assert '"--json"' in refusal("--jsno", "status")
        assert refusal("dht", "nodes", "--jsno").startswith("dht nodes does not know --jsno")

    def test_a_misspelt_verb_of_a_group_names_the_right_one(self) -> None:
        assert 'did you mean "nodes"?' in refusal("dht", "ndoes")
        assert 'did you mean "status"?' in refusal("dht", "list")
        assert "choose from status, nodes" in refusal("dht", "remove")

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "info",
            "add",
            "pause",
            "remove --data",
            "wait",
            "add-peer c9e1",
            "info one two",
            "wait x --timeout soon",
            "wait x --timeout -5",
            "wait x --timeout 9999d",
            "wait x --until never",
            "add x --timeout 5",
            "add x --paused --wait",
            "add x y --select 1",
            "status --soc /x",
        ],
    )
    def test_wrong_usage_is_one_sentence(self, line: str) -> None:
        sentence = refusal(*line.split())
        assert sentence and "\n" not in sentence


class TestHelp:
    @pytest.mark.parametrize(
        "verb", ["", *VERBS.split(), *(f"dht {verb}" for verb in DHT_VERBS.split())]
    )
    def test_every_help_fits_80_columns_and_documents_the_codes(
        self, verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as ended:
            parse([*verb.split(), "--help"])
        assert ended.value.code == 0
        text = capsys.readouterr().out
        assert "exit codes:" in text and "\nexamples:\n  " in text
        assert "verbs:\n  VERB" not in text
        assert max(len(line) for line in text.splitlines()) <= 80

    def test_the_help_names_every_verb_and_has_examples(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            parse(["--help"])
        text = capsys.readouterr().out
        assert "examples:" in text and all(f"    {verb} " in text for verb in VERBS.split())
