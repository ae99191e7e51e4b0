"""The verbs of mutable torrents (BEP 46)."""

import argparse

from torrentd.daemon.ctl.help_texts import DETAILS
from torrentd.daemon.ctl.parser import Verbs, flag


def define_pointers(verbs: Verbs) -> None:
    follow = verbs.add(
        "follow", "a torrent that its owner changes: always the newest", DETAILS["follow"]
    )
    follow.add_argument(
        "uri", nargs="?", default="", metavar="MAGNET", help="magnet:?xs=urn:btpk:…"
    )
    follow.add_argument("--dir", metavar="DIR", help="where the data of all versions goes")
    unfollow = verbs.add(
        "unfollow", "follow or publish it no more; torrents stay", DETAILS["unfollow"]
    )
    unfollow.add_argument("key", metavar="KEY", help="or the digits it begins with")
    publish = verbs.add("publish", "make a torrent the newest version of yours", DETAILS["publish"])
    publish.add_argument("torrent", metavar="TORRENT|INFOHASH", help="the new version")
    publish.add_argument("--key", dest="key_file", required=True, metavar="FILE", help="yours, PEM")
    flag(publish, "--new-key", "new_key", "make the key file first; it must not be there")
    publish.add_argument(
        "--salt", default=argparse.SUPPRESS, metavar="TEXT", help="which of your torrents it is"
    )
