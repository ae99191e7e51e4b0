"""torrentd: reads its configuration, runs one session in the foreground, stops when it is told.

Exit codes: 0 stopped as asked; 1 it could not start or had to stop; 2 wrong usage; 78 (EX_CONFIG)
the configuration is wrong.
"""

import argparse
import asyncio
import gc
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import uvloop

from torrentd.config.load import EX_CONFIG, ConfigError, find_config_file, load_config
from torrentd.config.schema import Config
from torrentd.daemon.control import ControlServer
from torrentd.daemon.control_config import ConfigVerbs
from torrentd.daemon.control_limits import LimitVerbs
from torrentd.daemon.heartbeat import Heartbeat
from torrentd.daemon.logs import configure_logs, get_logger, log_suppressed
from torrentd.daemon.metrics_server import MetricsServer
from torrentd.daemon.session import Session
from torrentd.daemon.settings import Reloaded, Settings
from torrentd.daemon.state_dir import StateLocked
from torrentd.daemon.systemd import Supervisor, inherited_control_socket
from torrentd.daemon.version import VERSION

YOUNG_MAX = 20_000  # objects between two looks for cycles
HOUSEKEEPING_S = 60.0
# The thread that runs the cores gets the GIL back sooner than by the default of 5 ms.
SWITCH_INTERVAL_S = 0.001

log = get_logger("main")


def main(arguments: list[str] | None = None) -> int:
    options = make_parser().parse_args(arguments)
    path = find_config_file(options.config, os.environ)
    try:
        config = load_config(path, os.environ)
        if options.check_config:
            print(f"{path or 'the built-in configuration'} is right")
            return 0
        configure_logs(config.log.level, config.log.format)
        settings = Settings(path, os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EX_CONFIG
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # What a request or a block allocates dies by its count; looking for cycles among them after
    # every 700, and among all that was imported, took a twentieth of a transfer's time.
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, 20, 100)
    return uvloop.run(Daemon(settings).run())


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="torrentd", description="A trackerless, DHT-based torrent daemon."
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the YAML file to read")
    parser.add_argument(
        "--check-config",
        action="store_true",
        help="say whether the configuration is right, and end",
    )
    parser.add_argument("--version", action="version", version=f"torrentd {VERSION}")
    return parser


class Daemon:
    """One life of the process: start, signals, stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._config = settings.config
        self._supervisor = Supervisor(os.environ)
        self._session = Session(settings.config)
        self._heartbeat = Heartbeat(self._supervisor, self._session)
        self._metrics: MetricsServer | None = None
        settings.apply = self._apply
        settings.save = self._session.save_changes

    async def run(self) -> int:
        session = self._session
        started_at = time.monotonic()
        try:
            with self._heartbeat.patience():
                await session.load()
        except (StateLocked, OSError) as error:
            log.error("cannot start", cause=str(error))
            return 1
        control = ControlServer(
            session,
            self._config.control,
            self._config.limits,
            more={
                **ConfigVerbs(self._settings, self._reload).by_name,
                **LimitVerbs(session, self._settings).by_name,
            },
        )
        try:
            await control.start(session.tasks.spawn, inherited_control_socket(os.environ))
        except OSError as error:
            log.error("cannot open the control socket", cause=str(error))
            await session.stop()
            return 1
        try:
            await self._open_metrics()
        except OSError as error:
            log.error("cannot open the page of the metrics", cause=str(error))
            await control.stop()
            await session.stop()
            return 1
        self._handle_signals()
        log.info("ready", version=VERSION, start_s=round(time.monotonic() - started_at, 3))
        self._supervisor.ready(self._heartbeat.sentence())
        session.begin()
        session.tasks.spawn(self._housekeeping(), "housekeeping")
        session.tasks.spawn(self._heartbeat.run(), "signs of life")
        await session.shutdown_requested.wait()
        self._supervisor.stopping("saving the state")
        with self._heartbeat.patience():
            await control.stop()
            await session.stop()
            if self._metrics is not None:
                self._metrics.close()
        log_suppressed()
        log.info("stopped")
        return 1 if session.failed else 0

    async def _open_metrics(self) -> None:
        listen = self._config.metrics.listen
        if listen is None:
            return
        from torrentd.daemon.metrics import Metrics  # late: 5 MiB that few use

        metrics = Metrics(self._session)
        self._metrics = MetricsServer(listen, metrics.text)
        await self._metrics.start()
        self._session.witnesses.attach(metrics)
        self._session.tasks.spawn(metrics.watch_lag(), "watch the lag")

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._session.request_shutdown)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)

    def _on_hangup(self) -> None:
        with suppress(ConfigError):  # it is in the log
            self._reload()

    def _reload(self) -> Reloaded:
        """The file is validated whole first: a mistake is a ConfigError and changes nothing."""
        self._supervisor.reloading()
        try:
            reloaded = self._settings.reload()
        except ConfigError as error:
            for line in str(error).splitlines():
                log.error("configuration not reloaded", problem=line)
            raise
        finally:
            self._supervisor.ready(self._heartbeat.sentence())
        log.info(
            "configuration reloaded",
            changed=", ".join(reloaded.applied) or None,
            needs_restart=", ".join(reloaded.needs_restart) or None,
        )
        return reloaded

    def _apply(self, config: Config) -> None:
        configure_logs(config.log.level, config.log.format)
        self._session.reconfigure(config)

    async def _housekeeping(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            log_suppressed()


if __name__ == "__main__":
    sys.exit(main())
