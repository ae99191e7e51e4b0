"""The verbs of the configuration on the control socket: `config …` and `reload`."""

from collections.abc import Callable
from dataclasses import asdict

from torrentd.config.load import ConfigError
from torrentd.daemon.control_call import Answer, Call, Run
from torrentd.daemon.control_params import Params
from torrentd.daemon.explaining import explain
from torrentd.daemon.settings import Reloaded, Settings
from torrentd.daemon.status import Refused


class ConfigVerbs:
    """`reload` is the daemon's own, the same as on SIGHUP: systemd hears of it too."""

    def __init__(self, settings: Settings, reload: Callable[[], Reloaded]) -> None:
        self._settings = settings
        self._reload_daemon = reload
        self.by_name: dict[str, Run] = {
            "config show": self._show,
            "config diff": self._diff,
            "config explain": self._explain,
            "config set": self._set,
            "config drop": self._drop,
            "reload": self._reload,
        }

    async def _show(self, params: Params, call: Call) -> Answer:
        keys = params.texts("keys")
        params.refuse_unknown()
        settings = self._settings.settings(keys)
        return self._answer(settings=[asdict(setting) for setting in settings])

    async def _diff(self, params: Params, call: Call) -> Answer:
        params.refuse_unknown()
        try:
            differences = self._settings.differences()
        except ConfigError as error:
            raise _wrong_file(error) from None
        return self._answer(differences=[asdict(difference) for difference in differences])

    async def _explain(self, params: Params, call: Call) -> Answer:
        keys = params.required_texts("keys")
        params.refuse_unknown()
        return Answer({"keys": [asdict(key) for key in explain(keys)]})

    async def _set(self, params: Params, call: Call) -> Answer:
        key, value = params.required_text("key"), params.required_text("value")
        params.refuse_unknown()
        return self._answer(**asdict(await self._settings.change(key, value)))

    async def _drop(self, params: Params, call: Call) -> Answer:
        keys = params.texts("keys")
        params.refuse_unknown()
        return self._answer(**asdict(await self._settings.drop(keys)))

    async def _reload(self, params: Params, call: Call) -> Answer:
        params.refuse_unknown()
        try:
            reloaded = self._reload_daemon()
        except ConfigError as error:
            raise _wrong_file(error) from None
        return self._answer(**asdict(reloaded))

    def _answer(self, **fields: object) -> Answer:
        path = self._settings.path
        return Answer({"file": str(path) if path is not None else None, **fields})


def _wrong_file(error: ConfigError) -> Refused:
    return Refused("nothing is changed: " + "; ".join(str(error).splitlines()))
