"""The word that runs the uplink."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beemon.cli import EXIT_BAD_CONFIG, layout, places
from beemon.cli import archive as here
from beemon.cli.manual import HERE

if TYPE_CHECKING:
    from beemon.config.settings import Settings
    from beemon.uplink.options import UplinkOptions



def add_words(words: Any) -> None:
    """Add the words of this module to those of ``beemon``."""
    parser = words.add_parser(
        "serve-uplink", usage="beemon serve-uplink [OPTION…]",
        description=here.sentence(HERE["serve-uplink"]),
    )
    parser.add_argument(
        "--folder", metavar="DIR", type=here.path_argument,
        help="the folder for the memory of the uplink (default: as systemd says)",
    )
    here.add_config(parser)
    parser.set_defaults(run=serve_uplink)


def serve_uplink(options: argparse.Namespace) -> int:
    """``beemon serve-uplink``: serve until a signal."""
    from beemon.config import settings as config
    from beemon.system import processes, service
    from beemon.uplink.service import serve

    service.start_log()
    processes.give_memory_back()
    try:
        settings = config.load(options.config)
        return serve(uplink_options(options.config, settings, options.folder))
    except config.ConfigError as error:
        for problem in error.problems:
            layout.complain(problem)
        return EXIT_BAD_CONFIG
    except OSError as error:
        return service.fail(error)


def uplink_options(config: Path, settings: Settings, folder: Path | None) -> UplinkOptions:
    """The options of the uplink's process. Raises ``OSError``: it cannot have its folders."""
    from beemon.uplink.options import UplinkOptions

    archive = places.archive_by(config, settings)
    state, runtime = places.own_folders(
        "beemon-uplink", folder, "STATE_DIRECTORY", "RUNTIME_DIRECTORY"
    )
    sockets = places.sockets_of(config, settings)
    known = _look_at_files(config)
    return UplinkOptions(
        hive=settings.hive.name, archive=archive, state=state, runtime=runtime,
        connect=lambda: places.connect(sockets, settings), tables=settings.uplink,
        public_url=settings.web.public_url if settings.web else None,
        has_changed=lambda: _look_at_files(config) != known,
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
