"""The word that runs the uplink."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.cli import EXIT_BAD_CONFIG, layout, places

if TYPE_CHECKING:
    from beemon.config.settings import Settings
    from beemon.uplink.options import UplinkOptions

log = logging.getLogger(__name__)


def add_words(words: Any) -> None:
    """Add the words of this module to those of ``beemon``."""
    # The running uplink keeps in memory what it loads, so it does without these.
    from beemon.cli import archive as here
    from beemon.cli.manual import HERE

    parser = words.add_parser(
        "serve-uplink", usage="beemon serve-uplink [OPTION…]",
        description=here.sentence(HERE["serve-uplink"]),
    )
    parser.add_argument(
        "--folder", metavar="DIR", type=here.path_argument,
        help="the folder for the memory of the uplink (default: as systemd says)",
    )
    here.add_config(parser)
    parser.set_defaults(run=lambda options: serve_uplink(options.config, options.folder))


def serve_uplink(config: Path, folder: Path | None) -> int:
    """``beemon serve-uplink``: serve until a signal; the exit status."""
    from beemon.config.settings import ConfigError
    from beemon.system import processes, service
    from beemon.uplink.service import serve

    service.start_log()
    processes.give_memory_back()
    try:
        source = Source(config)
        return serve(uplink_options(source, source.load(), folder))
    except ConfigError as error:
        for problem in error.problems:
            layout.complain(problem)
        return EXIT_BAD_CONFIG
    except OSError as error:
        return service.fail(error)


class Source:
    """The config of the uplink; if it is wrong, the last good one of the recorder."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self._last_good: Path | None = None
        self._known = _look_at_files(config)

    def load(self) -> Settings:
        """The settings. Raises ``ConfigError`` if they are wrong and were never good."""
        from beemon.config import settings as config

        folder = places.last_good(self.config)
        try:
            return config.load_at_start(self.config, folder)
        except config.ConfigError as error:
            settings = config.load_last_good(self.config, error, folder)
            log.error("%s; the last good config is used", error)
            self._last_good = settings.source and settings.source.parent
            self._known |= self._look_at_last_good()
            return settings

    def has_changed(self) -> bool:
        """Whether there are other settings that can be used; it tells once if they cannot."""
        from beemon.config import settings as config

        now = self._look()
        if now == self._known:
            return False
        self._known = now
        try:
            config.load(self.config)
        except config.ConfigError as error:
            log.error("%s; the config before it stays in use", error)
            return False
        return True

    def _look(self) -> dict[str, tuple[int, int]]:
        """The files in use; the recorder replaces its last good ones when it is reloaded."""
        return self._look_at_last_good() | _look_at_files(self.config)

    def _look_at_last_good(self) -> dict[str, tuple[int, int]]:
        return _look_at_files(self._last_good / self.config.name) if self._last_good else {}


def uplink_options(source: Source, settings: Settings, folder: Path | None) -> UplinkOptions:
    """The options of the uplink's process. Raises ``OSError``: it cannot have its folders."""
    from beemon.uplink.options import UplinkOptions

    config = source.config
    archive = places.archive_by(config, settings)
    state, runtime = places.own_folders(
        "beemon-uplink", folder, "STATE_DIRECTORY", "RUNTIME_DIRECTORY"
    )
    sockets = places.sockets_of(config, settings)
    return UplinkOptions(
        hive=settings.hive.name, archive=archive, state=state, runtime=runtime,
        connect=lambda: places.connect(sockets, settings), tables=settings.uplink,
        public_url=settings.web.public_url if settings.web else None,
        has_changed=source.has_changed,
    )


def _look_at_files(config: Path) -> dict[str, tuple[int, int]]:
    """A value that differs when a file of the config changes, or one comes or goes."""
    from beemon.config.settings import ConfigError, config_files

    found = {}
    try:
        for file in config_files(config):
            state = file.stat()
            found[str(file)] = state.st_mtime_ns, state.st_ino
    except (OSError, ConfigError):
        pass
    return found
