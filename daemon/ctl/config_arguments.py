"""The verbs of `torrentctl config`, and their help."""

from torrentd.daemon.ctl.parser import Parser, Verbs


def define_config(parser: Parser) -> Verbs:
    """`torrentctl config` alone is `config show`."""
    verbs = Verbs(parser, "action", "config ")
    show = verbs.add("show", "every value that runs, and where it comes from", _SHOW_DETAILS)
    show.add_argument("keys", nargs="*", metavar="KEY", help="a key or a section of keys")
    verbs.add("diff", "what runs otherwise than the file says", _DIFF_DETAILS)
    explain = verbs.add("explain", "what keys mean, and what is right", _EXPLAIN_DETAILS)
    explain.add_argument("keys", nargs="+", metavar="KEY", help="a key or a section of keys")
    change = verbs.add("set", "change a value now, and over restarts", _SET_DETAILS)
    change.add_argument("key", metavar="KEY", help="as in rates.upload_bytes_per_s_max")
    change.add_argument("value", metavar="VALUE", help="as the file would say it")
    drop = verbs.add("drop", "let the file's values count again", _DROP_DETAILS)
    drop.add_argument("keys", nargs="*", metavar="KEY", help="of these keys; else of all")
    return verbs


CONFIG_DETAILS = """\
Without a verb: show.

examples:
  torrentctl config
  torrentctl config diff
"""
_SHOW_DETAILS = """\
Behind a value stands where it comes from, unless it is the default: a line of
the file, the environment (systemd's folders, or the user's), or config set.

examples:
  torrentctl config show rates
  torrentctl config show --json | jq -r '.settings[] | select(.origin == "file").key'
"""
_DIFF_DETAILS = """\
The file is read as it is now. A value differs since it was changed by hand
(config set, limits), since the file was edited and not reloaded, or since it
is read at the start alone.

examples:
  torrentctl config diff
"""
_EXPLAIN_DETAILS = """\
examples:
  torrentctl config explain limits.unchoke_slots
  torrentctl config explain rates
"""
_SET_DETAILS = """\
The file stays as it is; config diff lists what was changed, config drop takes
it back. A key that takes a restart is changed in the file.

examples:
  torrentctl config set rates.upload_bytes_per_s_max '500 KiB'
  torrentctl config set log.level debug
"""
_DROP_DETAILS = """\
examples:
  torrentctl config drop log.level
  torrentctl config drop
"""
