"""The config: TOML files into frozen, validated settings.

``beemon.toml`` is read first, then ``conf.d/*.toml`` beside it in the order of their names. A later
file overrides single options of an earlier one. All problems are reported together, each with its
file and line. The drivers check their own options (:mod:`beemon.devices`).
"""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from beemon.base import spelling, sun
from beemon.base.explanation import why
from beemon.base.names import is_device_word, is_hive_name, sensor_name
from beemon.base.options import (
    BadOptionError,
    Problem,
    RawTable,
    Where,
    absolute_path,
    build,
    in_toml,
    no_table,
    option,
    size,
    suggestion,
    weight,
)
from beemon.base.schedule import Schedule, slot_verb
from beemon.base.sun import Place
from beemon.base.values import keyword_class
from beemon.config import files

if TYPE_CHECKING:
    from beemon.config.power import PowerSettings
    from beemon.config.web import WebSettings

log = logging.getLogger(__name__)

DEFAULT_PATH = Path("/etc/beemon/beemon.toml")
KINDS = ("camera", "microphone", "sensor", "output")
RECORDERS = ("camera", "microphone")

UPLINK_TABLES = ("uplink", "mqtt", "upload", "alerts", "beep", "influx", "prometheus")
"""The tables of the uplink, which checks them itself: a mistake there stops no recording."""

_TABLES = ("hive", "server", "archive", "retention", "power", "web", *UPLINK_TABLES, *KINDS)
_LINE_IN_ERROR = re.compile(r"\(at line (\d+), ")
_TABLE_LINE = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_OPTION_LINE = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=")

Key = tuple[str, ...]
T = TypeVar("T")


class ConfigError(ValueError):
    """A config that cannot be run; ``problems`` lists everything that is wrong with it.

    ``devices`` are those that could be read anyway: their drivers may object to more.
    ``server`` is that table if it is not affected.
    """

    def __init__(
        self,
        problems: list[Problem],
        devices: Mapping[str, DeviceSettings] | None = None,
        server: ServerSettings | None = None,
    ) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
        self.devices = devices or {}
        self.server = server


def _hive_name(value: object) -> str:
    if not isinstance(value, str) or not is_hive_name(value):
        raise BadOptionError(
            'must be a name for files such as "apiary-7": up to 63 letters, digits, dots, hyphens '
            f"and underscores, not {in_toml(value)}"
        )
    return value


def _temperature(value: object) -> tuple[str, str]:
    """A sensor, and which of its quantities is the temperature."""
    words = value.split() if isinstance(value, str) else []
    if not 1 <= len(words) <= 2:
        raise BadOptionError(
            'must be a sensor such as "sensor.outside", or a sensor and its quantity, such as '
            f'"sensor.outside temperature2", not {in_toml(value)}'
        )
    return sensor_name(words[0]), words[1] if len(words) == 2 else "temperature"


@keyword_class
class Hive:
    """The hive: its name, and its position in degrees (WGS 84).

    ``empty`` is its weight without food, in g. ``nest`` is the thermometer between its combs, and
    ``outside`` the one in the air around it (and the quantity's name).
    """

    name: str = option("hive", parse=_hive_name)
    latitude: float | None = option(None, minimum=-90, maximum=90)
    longitude: float | None = option(None, minimum=-180, maximum=180)
    empty: float | None = option(None, parse=weight)
    nest: tuple[str, str] | None = option(None, parse=_temperature)
    outside: tuple[str, str] | None = option(None, parse=_temperature)

    @property
    def place(self) -> Place | None:
        """The position, if it is known."""
        if self.latitude is None or self.longitude is None:
            return None
        return Place(self.latitude, self.longitude)


@keyword_class
class ServerSettings:
    """The address of the Server, and its time limits; the names are those of its constructor."""

    host_address: str = option("127.0.0.1")
    listening_port: int = option(8080, minimum=1, maximum=65535)
    socket_timeout_seconds: float = option(3.0, minimum=0.1, maximum=60)
    receive_size_bytes: int = option(1024, minimum=64, maximum=65536)
    token_file: Path | None = option(None, parse=absolute_path)

    def __post_init__(self) -> None:
        if self.token_file is None and not is_loopback(self.host_address):
            raise BadOptionError(
                f'host_address "{self.host_address}" can be reached from other machines, so '
                'clients must authenticate; set token_file = "/etc/beemon/token", a file that only '
                "root and the group beemon can read; or listen on 127.0.0.1"
            )


def default_archive() -> Path:
    """``$STATE_DIRECTORY`` under systemd, else ``beemon`` in the user's state folder.

    Raises ``OSError`` where the user has none.
    """
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given).absolute()
    state = os.environ.get("XDG_STATE_HOME", "")
    if state.startswith("/"):
        return Path(state) / "beemon"
    try:
        return Path.home() / ".local/state/beemon"
    except RuntimeError as error:
        raise OSError(f"{error} for the archive: set path under [archive]") from error


def memory_file() -> Path:
    """The file that remembers which archive belongs in each folder; outside of the archives if
    possible.

    Under systemd it is in ``$CACHE_DIRECTORY``. Raises ``OSError`` if the user has no such folder.
    """
    given = os.environ.get("CACHE_DIRECTORY", "").split(":")[0]
    return (Path(given).absolute() if given else default_archive()) / "known-archives"


@keyword_class
class ArchiveSettings:
    """Where everything is kept; without a path, :func:`default_archive`."""

    path: Path | None = option(None, parse=absolute_path)


def _order(value: object) -> tuple[str, ...]:
    words = value if isinstance(value, list) else [value]
    for word in words:
        kind, dot, name = word.partition(".") if isinstance(word, str) else ("", "", "")
        is_one = kind in RECORDERS and (not dot or is_device_word(name))
        if not is_one or words is not value:
            raise BadOptionError(
                "must be a list of cameras and microphones such as "
                f'["camera", "microphone.brood"], not of {in_toml(word)}'
            )
    if len(set(words)) < len(words):
        raise BadOptionError(f"must not name anything twice, but is {in_toml(value)}")
    return tuple(words)


@keyword_class
class RetentionSettings:
    """The rules for deleting recordings: ``min_free`` (bytes) and ``min_free_inodes`` are kept
    free.

    ``order`` names the devices or kinds whose recordings are deleted first; the others follow
    together. ``keep`` is the number of newest recordings of each device that are never deleted.
    ``evidence`` is the space, in bytes, for recordings that failed their check.
    """

    min_free: float = option(2e9, parse=size)
    min_free_inodes: int = option(10_000, minimum=0, maximum=10**9)
    order: tuple[str, ...] = option(("camera", "microphone"), parse=_order)
    keep: int = option(1, minimum=1, maximum=1_000_000)
    evidence: float = option(2e8, parse=size)


@keyword_class
class Weighing:
    """Of a scale: that a hive stands on it, and which sensors explain what its weight does.

    ``temperature`` is the one that the scale drifts with (and the quantity's name); ``rain`` a
    gauge; ``lid`` a contact, 1 while the lid is on; ``entrance`` counts bees, in and out.
    """

    temperature: tuple[str, str] | None = option(None, parse=_temperature)
    rain: str | None = option(None, parse=sensor_name)
    lid: str | None = option(None, parse=sensor_name)
    entrance: str | None = option(None, parse=sensor_name)

    @property
    def sensors(self) -> dict[str, str]:
        """The sensors that it names, by the option."""
        named = {"rain": self.rain, "lid": self.lid, "entrance": self.entrance,
                 "temperature": self.temperature and self.temperature[0]}
        return {name: sensor for name, sensor in named.items() if sensor}


@keyword_class
class Counting:
    """Of a camera: whether the bees in its videos are counted, and the length of a bee in them.

    The length is in pixels. Without it, it is found in each video.
    """

    count_bees: bool = option(False)
    bee_length: float | None = option(None, minimum=2, maximum=1000)


@keyword_class
class DeviceSettings:
    """One device as the config has it; the driver checks ``table`` itself."""

    name: str
    kind: str
    table: Mapping[str, object]
    lines: Mapping[str, str] = field(compare=False)
    schedule: Schedule | None = None
    weighing: Weighing | None = None
    counting: Counting = field(default_factory=Counting)

    @property
    def driver(self) -> str:
        """The name of its driver."""
        return str(self.table["driver"])

    def where(self, name: str) -> str:
        """The file and line of one of the device's options, or of its table."""
        return self.lines.get(name) or self.lines[""]


@keyword_class
class Settings:
    """Everything that the config says."""

    hive: Hive = field(default_factory=Hive)
    server: ServerSettings = field(default_factory=ServerSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    power: PowerSettings | None = None
    web: WebSettings | None = None
    uplink: Mapping[str, RawTable] = field(default_factory=dict)
    """The tables of :data:`UPLINK_TABLES` that are there."""
    devices: Mapping[str, DeviceSettings] = field(default_factory=dict)
    source: Path | None = None
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """The files that were read: ``source`` and its ``conf.d``, by their names in its folder."""
    fallback: str | None = None
    """The problem of the settings on disk, if these are the last good ones."""
    original: Path | None = None
    """Then, where the settings on disk are."""

    @property
    def archive_path(self) -> Path:
        """The archive's folder."""
        return self.archive.path or default_archive()

    @property
    def counting_cameras(self) -> list[str]:
        """The cameras in whose videos bees are counted."""
        return [name for name, one in self.devices.items() if one.counting.count_bees]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def config_files(path: Path) -> list[Path]:
    """The files that make up a config, in the order in which they are read.

    Raises :class:`ConfigError` if ``conf.d`` cannot be read, because its options would be missing
    without a notice.
    """
    folder = path.parent / "conf.d"
    try:
        added = [file for file in folder.iterdir() if file.suffix == ".toml"]
    except FileNotFoundError:
        return [path]
    except OSError as error:
        raise ConfigError([Problem(str(folder), f"cannot be read: {error.strerror}")]) from error
    return [path, *sorted(file for file in added if not file.name.startswith("."))]


def load(path: Path) -> Settings:
    """The settings in ``path`` and its ``conf.d``. Raises :class:`ConfigError`."""
    merged: dict[str, object] = {}
    lines: dict[Key, str] = {}
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    for file in config_files(path):
        try:
            content, table, found = _read(file)
        except ConfigError as error:
            problems += error.problems
            continue
        files[str(file.relative_to(path.parent))] = content
        _merge(merged, table)
        lines.update(found)
    loader = _Loader(merged, lines, path)
    settings = loader.settings()
    if problems or loader.problems:
        server = None if problems else loader.server
        raise ConfigError(problems + loader.problems, settings.devices, server)
    return dataclasses.replace(settings, source=path, files=files)


def _read(file: Path) -> tuple[bytes, dict[str, object], dict[Key, str]]:
    """The text of a file, its table, and the position of each key."""
    import tomllib  # the Orchestrator and the workers read no file

    try:
        content, _ = files.read(file)
        text = content.decode("utf-8-sig")
        return content, tomllib.loads(text), {k: f"{file}:{line}" for k, line in _lines(text)}
    except OSError as error:
        problem = Problem(str(file), f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        problem = _not_utf8(file, error)
    except (ValueError, RecursionError) as error:  # besides bad TOML: endless digits or brackets
        if problems := spelling.problems(str(file), text):
            raise ConfigError(problems) from error
        line = _LINE_IN_ERROR.search(str(error))
        problem = Problem(f"{file}:{line[1]}" if line else str(file), f"is not TOML: {error}")
    raise ConfigError([problem])


def _not_utf8(file: Path, error: UnicodeDecodeError) -> Problem:
    if error.object.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem(f"{file}:1", "is UTF-16; save the file as UTF-8")
    line = error.object.count(b"\n", 0, error.start) + 1
    byte = error.object[error.start : error.start + 1]
    guess = f' ("{byte.decode("latin-1")}" in Latin-1?)' if byte >= b"\xa0" else ""
    return Problem(
        f"{file}:{line}", f"is not UTF-8: byte 0x{byte.hex().upper()}{guess}; save it as UTF-8"
    )


def _lines(text: str) -> Iterator[tuple[Key, int]]:
    """Each table and option with its line. It is for messages only: tomllib keeps no lines."""
    table: Key = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _TABLE_LINE.match(line):
            table = _key(header[1])
            yield table, number
        elif name := _OPTION_LINE.match(line):
            yield table + _key(name[1]), number


def _key(dotted: str) -> Key:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _merge(into: dict[str, object], table: Mapping[str, object]) -> None:
    for key, value in table.items():
        there = into.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            _merge(there, value)
        else:
            into[key] = value


class _Loader:
    """Builds the settings out of the merged tables, and keeps every problem on the way."""

    def __init__(self, merged: Mapping[str, object], lines: Mapping[Key, str], path: Path) -> None:
        self.merged = merged
        self.lines = lines
        self.path = path
        self.hive = Hive()
        self.server: ServerSettings | None = None
        self.problems: list[Problem] = []
        self.first_inside: dict[Key, str] = {}  # [sensor.brood] alone stands for [sensor] too
        for key, place in lines.items():
            for length in range(1, len(key)):
                self.first_inside.setdefault(key[:length], place)

    def where(self, *key: str) -> str:
        """The nearest place that is known: the option's, its table's, the file's."""
        for length in range(len(key), 0, -1):
            if place := self.lines.get(key[:length]) or self.first_inside.get(key[:length]):
                return place
        return str(self.path)

    def place(self, *table: str) -> Where:
        return lambda name: self.where(*table, *([name] if name else []))

    def settings(self) -> Settings:
        """All options that could be read; if there are problems, defaults replace the rest."""
        for name in self.merged:
            if name not in _TABLES:
                message = f'unknown table or option "{name}"{suggestion(name, _TABLES)}'
                self.problem(message, name)
        self.hive = self.section(Hive, "hive") or self.hive
        self.server = self.section(ServerSettings, "server")
        found = Settings(
            hive=self.hive,
            server=self.server or ServerSettings(),
            archive=self.section(ArchiveSettings, "archive") or ArchiveSettings(),
            retention=self.section(RetentionSettings, "retention") or RetentionSettings(),
            power=self._power(),
            web=self._web(),
            uplink={name: self._raw(name) for name in UPLINK_TABLES if name in self.merged},
            devices=self.devices(),
        )
        self._check_order(found)
        self._check_weighing(found)
        self._check_hive(found)
        self._check_power(found)
        return found

    def section(self, cls: type[T], name: str) -> T | None:
        return self._build(cls, self._table(self.merged.get(name, {}), name), name)

    def devices(self) -> dict[str, DeviceSettings]:
        found = {}
        for kind in KINDS:
            for word, value in (self._table(self.merged.get(kind, {}), kind) or {}).items():
                table = self._table(value, kind, word)
                device = None if table is None else self._device(kind, word, table)
                if device is not None:
                    found[device.name] = device
        return found

    def _check_order(self, found: Settings) -> None:
        for word in found.retention.order:
            if "." in word:
                self._check_device(found, word, "retention", "order")

    def _check_weighing(self, found: Settings) -> None:
        for device in found.devices.values():
            named = device.weighing.sensors if device.weighing else {}
            word = device.name.partition(".")[2]
            for option_name, sensor in named.items():
                self._check_device(found, sensor, device.kind, word, "weighing", option_name)

    def _check_hive(self, found: Settings) -> None:
        for option_name in ("nest", "outside"):
            if named := getattr(found.hive, option_name):
                self._check_device(found, named[0], "hive", option_name)

    def _check_device(self, found: Settings, name: str, *key: str) -> None:
        if name not in found.devices:
            self.problem(f'there is no device "{name}"{suggestion(name, found.devices)}', *key)

    def _power(self) -> PowerSettings | None:
        if "power" not in self.merged:
            return None
        from beemon.config import power  # it is off by default

        table = self._table(self.merged["power"], "power")
        if table is None:
            return None
        built, problems = power.build_power(table, lambda *key: self.where("power", *key))
        self.problems += problems
        return built

    def _web(self) -> WebSettings | None:
        if "web" not in self.merged:
            return None
        from beemon.config.web import WebSettings  # the recording service does not need it

        return self.section(WebSettings, "web")

    def _raw(self, name: str) -> RawTable:
        lines = {key[1:]: place for key, place in self.lines.items() if key[0] == name}
        return RawTable(name, self.merged[name], {**lines, (): self.where(name)})

    def _check_power(self, found: Settings) -> None:
        if found.power is None:
            return
        sensor = found.devices.get(found.power.sensor)
        if sensor is None:
            near = suggestion(found.power.sensor, found.devices)
            self.problem(f'there is no device "{found.power.sensor}"{near}', "power", "sensor")
        elif sensor.schedule is None:
            word = sensor.name.partition(".")[2]
            message = f"[{sensor.name}] needs a schedule, because [power] depends on it"
            self.problem(message, "sensor", word)
        elif sensor.schedule.interval > found.power.silence:
            message = f"[{sensor.name}] is read less often than the time of \"silence\""
            self.problem(message, "power", "silence")

    def problem(self, message: str, *key: str) -> None:
        self.problems.append(Problem(self.where(*key), message))

    def _device(self, kind: str, word: str, table: dict[str, object]) -> DeviceSettings | None:
        if not is_device_word(word):
            self.problem(
                f'"{word}" is not a name for a device: use up to 31 small letters, digits, hyphens '
                "and underscores",
                kind,
                word,
            )
            return None
        has_driver = isinstance(table.get("driver"), str)
        if not has_driver:
            self.problem(f'[{kind}.{word}] needs driver = "…"', kind, word)
        schedule = self._schedule(kind, word, table)
        weighing = self._weighing(kind, word, table)
        counting = self._counting(kind, word, table)
        if not has_driver:
            return None
        lines = {name: self.where(kind, word, name) for name in table}
        lines[""] = self.where(kind, word)
        name = f"{kind}.{word}"
        return DeviceSettings(
            name=name, kind=kind, table=table, lines=lines, schedule=schedule, weighing=weighing,
            counting=counting,
        )

    def _weighing(self, kind: str, word: str, table: Mapping[str, object]) -> Weighing | None:
        if "weighing" not in table:
            return None
        if kind != "sensor":
            self.problem(f'a {kind} cannot have a table "weighing"', kind, word, "weighing")
            return None
        given = self._table(table["weighing"], kind, word, "weighing")
        return self._build(Weighing, given, kind, word, "weighing")

    def _counting(self, kind: str, word: str, table: Mapping[str, object]) -> Counting:
        given = {each.name: table[each.name] for each in dataclasses.fields(Counting)
                 if each.name in table}
        if kind != "camera":
            for name in given:
                self.problem(f'a {kind} cannot have the option "{name}"', kind, word, name)
            return Counting()
        return self._build(Counting, given, kind, word) or Counting()

    def _schedule(self, kind: str, word: str, table: Mapping[str, object]) -> Schedule | None:
        if "schedule" not in table:
            return None
        given = self._table(table["schedule"], kind, word, "schedule")
        if given is None:
            return None
        place = self.place(kind, word, "schedule")
        schedule, problems = build(Schedule, given, place, {"place": self.hive.place})
        self.problems += problems
        if schedule is None:
            return None
        if schedule.follows_sun:
            self._check_sun(kind, word, "schedule", "window")
        if kind == "output":
            self.problem("an output has no schedule", kind, word, "schedule")
        if kind == "sensor" and schedule.duration is not None:
            self.problem("a sensor's schedule has no duration", kind, word, "schedule", "duration")
        if kind == "microphone" and slot_verb(f"{kind}.{word}", schedule) != "record":
            self.problem(
                'a microphone\'s schedule needs a duration, such as duration = "60s"',
                kind, word, "schedule",
            )
        return schedule

    def _check_sun(self, *key: str) -> None:
        given = self.merged.get("hive")
        hive = given if isinstance(given, dict) else {}
        missing = [name for name in ("latitude", "longitude") if name not in hive]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            self.problem(
                "a window that follows the sun needs the hive's position: "
                f"{' and '.join(missing)} under [hive] {verb} missing", *key,
            )
        if not sun.is_known():
            self.problem("a window that follows the sun needs the package python3-ephem", *key)

    def _build(self, cls: type[T], table: Mapping[str, object] | None, *key: str) -> T | None:
        if table is None:
            return None
        built, problems = build(cls, table, self.place(*key))
        self.problems += problems
        return built

    def _table(self, value: object, *key: str) -> dict[str, object] | None:
        """None if it is no table, which is then the only problem with it."""
        if isinstance(value, dict):
            return value
        self.problem(no_table(".".join(key), value), *key)
        return None


def read_token(path: Path) -> str:
    """The token in a file. Raises :class:`ConfigError`: unreadable, too open, or too weak."""
    try:
        content, state = files.read(path)
        token = content.decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = why(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError([Problem(str(path), f"the token cannot be read: {said}")]) from error
    problem = None
    mode = state.st_mode & 0o777
    if mode & 0o007:
        problem = f"everyone can read the token (mode {mode:04o}); run: sudo chmod o= {path}"
    elif len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
        problem = "the token must be at least 16 printable ASCII characters without spaces"
    if problem:
        raise ConfigError([Problem(str(path), problem)])
    return token


def original(settings: Settings) -> Path:
    """The config file on disk that these settings come from, or stand in for."""
    return settings.original or settings.source or DEFAULT_PATH


def keep_last_good(settings: Settings) -> None:
    """Keep a copy of the config that runs, for a start at which the one on disk is wrong."""
    if settings.source is None or settings.fallback is not None:
        return
    wanted = {**settings.files, "source": str(settings.source.absolute()).encode()}
    try:
        kept = _last_good_folder()
        if _contents(kept) != wanted:
            _replace_folder(kept, wanted)
    except OSError as error:
        log.warning("no copy of the working config was kept: %s", error)


def _contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def _replace_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    fresh = _fresh(folder)
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "conf.d").mkdir(parents=True)
    for name, content in contents.items():
        with (fresh / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut leaves it empty, which is a good config
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def load_last_good(path: Path, error: ConfigError, folder: Path | None = None) -> Settings:
    """The last settings that worked, marked as a substitute for those at ``path``.

    ``folder`` is where the recorder keeps them, for another service. Raises ``error`` if there are
    none.
    """
    try:
        kept = folder or _last_good_folder()
        if not kept.exists():  # a power cut between the old one's end and the new one's name
            kept = _fresh(kept)
        source = Path((kept / "source").read_text("utf-8"))
        if source != path.absolute():
            raise error  # they belong to another config file
        settings = load(kept / path.name)
    except (OSError, ValueError):
        raise error from None
    return dataclasses.replace(settings, fallback=str(error), original=path)


def load_at_start(path: Path, folder: Path | None = None) -> Settings:
    """The settings in ``path``. Raises :class:`ConfigError`, also for a file that a power cut
    damaged. ``folder`` is that of :func:`load_last_good`.

    An empty file is a valid config without devices, and a file that was cut short may be valid with
    fewer devices. If this is intended, the operator reloads.
    """
    found = load(path)
    try:
        before = load_last_good(path, ConfigError([]), folder)
    except ConfigError:  # there is none: it is the first start, or as good as that
        return found
    meant = "if that is intended: sudo systemctl reload beemon"
    problems = [
        Problem(str(path.parent / name), f"was cut short, probably by a power cut; {meant}")
        for name, was in before.files.items()
        if _is_cut(found.files.get(name), was)
    ]
    if not problems and before.devices and not found.devices:
        problems.append(Problem(str(path), f"no longer names a device; {meant}"))
    if problems:
        raise ConfigError(problems)
    return found


def _is_cut(found: bytes | None, before: bytes) -> bool:
    """Whether a file is what a power cut leaves: nothing, or the beginning, cut in a line."""
    if found is None or not before.strip():
        return False
    is_beginning = len(found) < len(before) and before.startswith(found)
    return not found.strip() or (is_beginning and not found.endswith(b"\n"))


def _last_good_folder() -> Path:
    return default_archive() / "last-good"


def _fresh(kept: Path) -> Path:
    """The place of a new copy, which is complete before the old one is deleted."""
    return kept.with_name(f"{kept.name}.new")
