"""The verbs that say what is wanted of a torrent: parameters in, its options changed."""

from typing import Protocol

from torrentd.daemon.control_call import Answer, Call, Run
from torrentd.daemon.control_params import Params
from torrentd.daemon.file_choice import FileChoice
from torrentd.daemon.status import FileStatus, TorrentStatus
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.store.options import TorrentOptions


def added_options(params: Params) -> TorrentOptions:
    """What `add` says of a torrent beside where it comes from."""
    return TorrentOptions(sequential=params.flag("sequential"))


class OptionCommands(Protocol):
    """What is asked of the session. Each may raise Refused with a sentence."""

    def find(self, selector: str) -> InfoHash: ...
    def select(self, selector: str) -> list[InfoHash]: ...
    def torrent(self, infohash: InfoHash) -> TorrentStatus: ...
    def options(self, infohash: InfoHash) -> TorrentOptions: ...
    def set_options(self, infohash: InfoHash, options: TorrentOptions) -> None: ...
    def files(self, infohash: InfoHash) -> list[FileStatus]: ...
    def choose_files(self, infohash: InfoHash, choice: FileChoice) -> None: ...


class OptionVerbs:
    def __init__(self, commands: OptionCommands) -> None:
        self._commands = commands
        self.by_name: dict[str, Run] = {"files": self._files}

    async def _files(self, params: Params, call: Call) -> Answer:
        """As they are then."""
        selector = params.required_text("torrent")
        choice = FileChoice(
            select=params.patterns("select"),
            also=params.patterns("also"),
            skip=params.patterns("skip"),
            high=params.patterns("high"),
            normal=params.patterns("normal"),
            low=params.patterns("low"),
            sequential=params.switch("sequential"),
        )
        params.refuse_unknown()
        infohash = self._commands.find(selector)
        if choice != FileChoice():
            self._commands.choose_files(infohash, choice)
        torrent, options = self._commands.torrent(infohash), self._commands.options(infohash)
        return Answer(
            {
                "infohash": torrent.infohash,
                "name": torrent.name,
                "sequential": options.sequential,
                "files": self._commands.files(infohash),
            }
        )
