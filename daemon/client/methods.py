"""The daemon's methods, each with its parameters and its document, for both clients.

What is written once here as the making of a request is a method of the blocking client, and one to
be awaited of the async one. Sequences of torrents are selectors, as on the command line: infohashes
or digits that they begin with, names, patterns, `label:isos`, `state:paused`, `all`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from torrentd.daemon.client.binding import Following, Method
from torrentd.daemon.client.requests import ANSWER_S, SEARCH_S, Request, StreamRequest
from torrentd.daemon.control_lines import Json

if TYPE_CHECKING:  # their making costs more than all of a call
    from torrentd.daemon.client import daemon_documents as of_daemon
    from torrentd.daemon.client import dht_documents as of_dht
    from torrentd.daemon.client import documents
    from torrentd.daemon.client.status_documents import Status

Texts = str | Sequence[str]  # one, or several
Goal = Literal["done", "metadata", "seeding"]
Move = Literal["top", "up", "down", "bottom", "now", "later"]


class Methods:
    """Named as the verbs, which README tells of; None is what was not said."""

    @Method
    def add(
        self,
        source: str | bytes,
        *,
        dir: str | None = None,
        paused: bool = False,
        select: Texts = (),
        peers: Texts = (),
        labels: Texts = (),
        sequential: bool = False,
        super_seeding: bool = False,
        download_bytes_per_s_max: int | None = None,
        upload_bytes_per_s_max: int | None = None,
        rules: Texts = (),
    ) -> "Request[documents.Add]":
        """A magnet, an infohash, or the bytes of a torrent file."""
        payload = source if isinstance(source, bytes) else b""
        params = _said(
            uri=None if isinstance(source, bytes) else source,
            metainfo_bytes=len(payload) or None,
            dir=dir,
            paused=paused,
            select=_list(select),
            peers=_list(peers),
            labels=_list(labels),
            sequential=sequential,
            super_seeding=super_seeding,
            download_bytes_per_s_max=download_bytes_per_s_max,
            upload_bytes_per_s_max=upload_bytes_per_s_max,
            rules=_list(rules),
        )
        return Request("add", params, payload)

    @Method
    def adopt(
        self, metainfo: bytes, folders: Texts, *, dir: str | None = None, dry_run: bool = False
    ) -> "Request[documents.Adopt]":
        """Data of it below these folders, used or linked; `add` into `download_dir` comes next.
        Reads as much as there is, and so takes its time."""
        params = _said(metainfo_bytes=len(metainfo), dir=dir, dry_run=dry_run)
        return Request("adopt", {**params, "from": _list(folders)}, metainfo, None)

    @Method
    def status(self, torrents: Texts = ()) -> "Request[Status]":
        """Of these torrents; of all without any."""
        return Request("status", _said(torrents=_list(torrents)))

    @Method
    def info(self, torrent: str) -> "Request[documents.Info]":
        """All about one torrent."""
        return Request("info", {"torrent": torrent})

    @Method
    def why(self, torrents: Texts = ()) -> "Request[documents.Why]":
        """What holds them up."""
        return Request("why", _said(torrents=_list(torrents)))

    @Method
    def peers(self, torrent: str) -> "Request[documents.Peers]":
        """Whom it is connected to."""
        return Request("peers", {"torrent": torrent})

    @Method
    def files(
        self,
        torrent: str,
        *,
        select: Texts = (),
        also: Texts = (),
        skip: Texts = (),
        high: Texts = (),
        normal: Texts = (),
        low: Texts = (),
        sequential: bool | None = None,
    ) -> "Request[documents.Files]":
        """As they are once that is so. Files are numbers (0-2,7), paths or patterns."""
        params = _said(
            torrent=torrent,
            select=_list(select),
            also=_list(also),
            skip=_list(skip),
            high=_list(high),
            normal=_list(normal),
            low=_list(low),
        )
        if sequential is not None:
            params["sequential"] = sequential
        return Request("files", params)

    @Method
    def pieces(self, torrent: str) -> "Request[documents.Pieces]":
        """Which it has, and which are to be had."""
        return Request("pieces", {"torrent": torrent})

    @Method
    def export(self, torrent: str, *, metainfo: bool = False) -> "Request[documents.Export]":
        """Its magnet, and with `metainfo` its torrent file."""
        return Request("export", {"torrent": torrent, **_said(metainfo=metainfo)})

    @Method
    def resolve(self, uri: str, *, timeout_s: float = 60.0) -> "Request[documents.Resolve]":
        """The torrent file of a magnet that nobody adds."""
        params: dict[str, Json] = {"uri": uri, "timeout_s": timeout_s}
        return Request("resolve", params, b"", timeout_s + ANSWER_S)

    @Method
    def pause(self, torrents: Texts) -> "Request[documents.Touched]":
        return Request("pause", {"torrents": _list(torrents)})

    @Method
    def resume(self, torrents: Texts) -> "Request[documents.Touched]":
        return Request("resume", {"torrents": _list(torrents)})

    @Method
    def verify(self, torrents: Texts) -> "Request[documents.Touched]":
        return Request("verify", {"torrents": _list(torrents)})

    @Method
    def announce(self, torrents: Texts) -> "Request[documents.Touched]":
        return Request("announce", {"torrents": _list(torrents)})

    @Method
    def remove(
        self, torrents: Texts, *, data: bool = False, trash: bool = False
    ) -> "Request[documents.Remove]":
        """Each by a name of its own: no pattern removes what nobody looked at. `data` deletes its
        files too, `trash` puts them there."""
        return Request("remove", {"torrents": _list(torrents), **_said(data=data, trash=trash)})

    @Method
    def add_peer(self, torrent: str, address: str) -> "Request[documents.AddPeer]":
        """A peer that you know of, as 192.0.2.1:6881 or [2001:db8::1]:6881."""
        return Request("add-peer", {"torrent": torrent, "address": address})

    @Method
    def wait(
        self, torrents: Texts, *, until: Goal = "done", timeout_s: float | None = None
    ) -> "Request[documents.Wait]":
        """Answers when all are there, or the time is over. See also `progress`."""
        params: dict[str, Json] = {"torrents": _list(torrents), "until": until}
        if timeout_s is None:
            return Request("wait", params, b"", None)
        return Request("wait", {**params, "timeout_s": timeout_s}, b"", timeout_s + ANSWER_S)

    @Method
    def label(
        self, torrents: Texts, *, add: Texts = (), remove: Texts = ()
    ) -> "Request[documents.Label]":
        """What labels they have then."""
        return Request(
            "label", {"torrents": _list(torrents), **_said(add=_list(add), remove=_list(remove))}
        )

    @Method
    def queue(
        self,
        torrents: Texts = (),
        to: Move | None = None,
    ) -> "Request[documents.Queue]":
        """The order of all, once these are moved in it."""
        return Request("queue", _said(torrents=_list(torrents), to=to))

    @Method
    def move(self, torrents: Texts, dir: str) -> "Request[documents.Places]":
        """Their data to another folder, an absolute path."""
        return Request("move", {"torrents": _list(torrents), "dir": dir})

    @Method
    def rename(
        self, torrent: str, name: str, *, path: str | None = None
    ) -> "Request[documents.Places]":
        """It; or of its files and folders the one at `path`."""
        return Request("rename", {"torrent": torrent, "name": name, **_said(path=path)})

    @Method
    def limits(
        self,
        torrents: Texts = (),
        *,
        download_bytes_per_s_max: int | None = None,
        upload_bytes_per_s_max: int | None = None,
        alternative: Literal["on", "off", "auto"] | None = None,
        rules: Texts = (),
        super_seeding: bool | None = None,
    ) -> "Request[documents.Limits]":
        """Of each of these torrents; of all together without any. 0: none."""
        params = _said(
            torrents=_list(torrents),
            download_bytes_per_s_max=download_bytes_per_s_max,
            upload_bytes_per_s_max=upload_bytes_per_s_max,
            alternative=alternative,
            rules=_list(rules),
        )
        if super_seeding is not None:
            params["super_seeding"] = super_seeding
        return Request("limits", params)

    @Method
    def ban(self, networks: Texts = (), *, remove: bool = False) -> "Request[of_daemon.Ban]":
        """Without any: who is banned."""
        return Request("ban", _said(networks=_list(networks), remove=remove))

    @Method
    def stats(self, *, days: int | None = None) -> "Request[of_daemon.Stats]":
        return Request("stats", _said(days=days))

    @Method
    def version(self) -> "Request[of_daemon.Version]":
        return Request("version")

    @Method
    def shutdown(self) -> "Request[of_daemon.Shutdown]":
        """`wait_for_end` after it says when the daemon is gone."""
        return Request("shutdown")

    @Method
    def events(self, since: str | None = None) -> "Request[of_daemon.Events]":
        """What happened; `more` says that there is more after the cursor."""
        return Request("events", _said(since=since))

    @Following
    def follow_events(
        self, since: str | None = None
    ) -> "StreamRequest[of_daemon.Event, of_daemon.Events]":
        """What happens, as it does; before that what happened since that cursor (0: all)."""
        return StreamRequest("events", {"follow": True, **_said(since=since)}, answer_s=None)

    @Method
    def dht_status(self) -> "Request[of_dht.DhtStatusAnswer]":
        return Request("dht status")

    @Method
    def dht_nodes(self) -> "Request[of_dht.DhtNodes]":
        return Request("dht nodes")

    @Method
    def dht_lookup(
        self, infohash: str, *, timeout_s: float | None = None
    ) -> "Request[of_dht.DhtLookup]":
        """The peers of an infohash or magnet; announces nothing."""
        params: dict[str, Json] = {"infohash": infohash, **_said(timeout_s=timeout_s)}
        return Request("dht lookup", params, b"", SEARCH_S)

    @Following
    def follow_dht_lookup(
        self, infohash: str, *, timeout_s: float | None = None
    ) -> "StreamRequest[of_dht.Hop | of_dht.MissedHops, of_dht.DhtLookup]":
        """Likewise, hop by hop."""
        params: dict[str, Json] = {"infohash": infohash, **_said(timeout_s=timeout_s)}
        return StreamRequest("dht lookup", {**params, "follow": True}, b"", SEARCH_S)

    @Method
    def dht_scrape(self, infohash: str) -> "Request[of_dht.DhtScrape]":
        return Request("dht scrape", {"infohash": infohash}, b"", SEARCH_S)

    @Method
    def dht_get(self, target: str, *, salt: str | None = None) -> "Request[of_dht.DhtGet]":
        """By a target, or by its owner's key and a salt in hex digits."""
        return Request("dht get", {"target": target, **_said(salt=salt)}, b"", SEARCH_S)

    @Method
    def dht_put(self, text: str) -> "Request[of_dht.DhtPut]":
        return Request("dht put", {"text": text}, b"", SEARCH_S)

    @Method
    def dht_sample(self, target: str | None = None) -> "Request[of_dht.DhtSample]":
        return Request("dht sample", _said(target=target), b"", SEARCH_S)

    @Method
    def dht_ping(self, address: str) -> "Request[of_dht.DhtPing]":
        return Request("dht ping", {"address": address})

    @Method
    def dht_add_node(self, address: str) -> "Request[of_dht.DhtAddNode]":
        return Request("dht add-node", {"address": address})

    @Method
    def follow(
        self, uri: str | None = None, *, dir: str | None = None
    ) -> "Request[of_dht.Pointers]":
        """A mutable torrent (BEP 46); without one: all that are followed and published."""
        return Request("follow", _said(uri=uri, dir=dir))

    @Method
    def unfollow(self, key: str) -> "Request[of_dht.Pointers]":
        return Request("unfollow", {"key": key})

    @Method
    def publish(
        self, key: str, infohash: str, seq: int, signature: str, *, salt: str | None = None
    ) -> "Request[of_dht.Publish]":
        """What the key's owner signed; all in hex digits but `seq`."""
        params: dict[str, Json] = {"key": key, "infohash": infohash, "seq": seq}
        params |= {"signature": signature, **_said(salt=salt)}
        return Request("publish", params, b"", SEARCH_S)

    @Method
    def config_show(self, keys: Texts = ()) -> "Request[of_daemon.ConfigShow]":
        return Request("config show", _said(keys=_list(keys)))

    @Method
    def config_diff(self) -> "Request[of_daemon.ConfigDiff]":
        return Request("config diff")

    @Method
    def config_explain(self, keys: Texts) -> "Request[of_daemon.ConfigExplain]":
        return Request("config explain", {"keys": _list(keys)})

    @Method
    def config_set(self, key: str, value: str) -> "Request[of_daemon.Reload]":
        return Request("config set", {"key": key, "value": value})

    @Method
    def config_drop(self, keys: Texts = ()) -> "Request[of_daemon.Reload]":
        return Request("config drop", _said(keys=_list(keys)))

    @Method
    def reload(self) -> "Request[of_daemon.Reload]":
        return Request("reload")


def _list(texts: Texts) -> list[Json]:
    return [texts] if isinstance(texts, str) else [*texts]


def _said(**params: Json) -> dict[str, Json]:
    """Without what was not said: None, false, an empty list."""
    return {
        name: value
        for name, value in params.items()
        if value is not None and value is not False and value != []
    }
