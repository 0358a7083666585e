"""The config that the service runs with, until a reload puts another one in force."""

from __future__ import annotations

import logging

from beemon.config import settings as config
from beemon.config.settings import ConfigError, Settings
from beemon.server.config_watch import ConfigWatch
from beemon.server.latest import LatestState

log = logging.getLogger(__name__)


class ConfigInForce:
    """Holds the settings in force; ``watch`` notes on the ``board`` how the disk differs."""

    def __init__(self, settings: Settings, board: LatestState) -> None:
        self._settings = settings
        self.watch = ConfigWatch(settings, self.current, board)

    def current(self) -> Settings:
        """The settings in use now; call it again each time."""
        return self._settings

    def on_disk(self) -> Settings:
        """The settings in the config's files. Raises :class:`~beemon.config.settings.ConfigError`.
        """
        try:
            return config.load(config.original(self._settings))
        except ConfigError:
            self.watch.look_soon()
            raise

    def take_over(self, settings: Settings) -> None:
        """Put settings in force, and keep them as the last good ones."""
        if settings.server != self._settings.server:
            log.warning("[server] changes take effect when the service is restarted")
        self._settings = settings
        self.watch.take_over()
        config.keep_last_good(settings)
