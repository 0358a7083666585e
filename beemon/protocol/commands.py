"""The vocabulary: every word that a client can send, parsed and checked but not carried out.

A command asks for work and becomes a job. A query asks for data and is answered at once.
Words are separated by one or more spaces; case matters; numbers are plain ASCII decimals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import field
from datetime import date
from typing import Any

from beemon.base import clock, since, zone
from beemon.base.moments import to_datetime
from beemon.base.names import is_device_word
from beemon.base.options import MAX_GRAMS, WEIGHT_UNITS, suggestion
from beemon.base.quoting import shown
from beemon.base.values import value_class
from beemon.protocol.lines import RequestError

MIN_SECONDS = 0.1
MAX_SECONDS = 3600.0
"""The longest recording one command may ask for; a schedule makes longer series."""

_NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")
_OFFSET = re.compile(r"[0-9]{1,15}")
_COUNT = re.compile(r"[1-9][0-9]{0,17}")
_EVENT = re.compile(r"0|-?[1-9][0-9]{0,17}")
_WEIGHT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(kg|g|lb)")
_ROW = re.compile(r"-?[0-9]{1,15}")
_PATH = re.compile(r"recordings/[0-9-]{1,10}/[A-Za-z0-9@._-]{1,200}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")

Devices = Collection[str]
Parser = Callable[[str, str, Devices], Any]


@value_class
class Argument:
    """One argument of a word: its form in `help`, and its parser.

    A parser takes the argument's name, the client's text and the known devices.
    """

    name: str
    parse: Parser
    optional: bool = False
    repeated: bool = False
    choices: str = ""
    """The possible values, shown when the argument is missing."""

    def __str__(self) -> str:
        name = f"{self.name}…" if self.repeated else self.name
        return f"[{name}]" if self.optional else name


@value_class
class Word:
    """A command or a query."""

    name: str
    summary: str
    arguments: tuple[Argument, ...] = ()
    is_command: bool = False
    check: Callable[[Mapping[str, Any]], None] = lambda _: None
    """Raises :class:`~beemon.protocol.lines.RequestError` if arguments do not fit together."""

    @property
    def usage(self) -> str:
        """The word with its arguments, as `help` lists it."""
        return " ".join([self.name, *map(str, self.arguments)])


@value_class
class Request:
    """A word with its arguments, parsed; ``text`` is what the client wrote, verbatim."""

    word: Word
    text: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.arguments.get(name)

    def devices_at_work(self, devices: Devices) -> set[str]:
        """The devices that the command has to wait for; `read` without a name is every sensor."""
        if self.word.name in URGENT:
            return set()
        named = {name for name in self.text.split(" ") if name in devices}
        if self.word.name == "read" and not named:
            return {name for name in devices if kind_of(name) == "sensor"}
        return named


def kind_of(device: str) -> str:
    """``camera``, ``microphone``, ``sensor`` or ``output``: the first half of a device's name."""
    return device.partition(".")[0]


def _device(*kinds: str, or_all: bool = False) -> Parser:
    def parse(name: str, written: str, devices: Devices) -> str:
        if or_all and written == "all":
            return written
        fitting = [d for d in devices if not kinds or kind_of(d) in kinds]
        if written in fitting:
            return written
        if written in devices:
            wanted = " or a ".join(kinds)
            raise RequestError(
                "bad-argument", f"{name} must be a {wanted}, and {written} is a {kind_of(written)}"
            )
        none = "" if fitting else f"; the config has no {' or '.join(kinds) or 'device'}"
        raise RequestError(
            "unknown-device", f'no device "{shown(written)}"{none}{suggestion(written, fitting)}'
        )

    return parse


def _seconds(name: str, written: str, _: Devices) -> float:
    seconds = float(written) if _NUMBER.fullmatch(written) else 0.0
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise RequestError(
            "bad-argument",
            f"{name} must be a number of seconds between {MIN_SECONDS:g} and {MAX_SECONDS:g}, "
            f'not "{shown(written)}"',
        )
    return seconds


def _on_or_off(name: str, written: str, _: Devices) -> bool:
    if written not in ("on", "off"):
        raise RequestError("bad-argument", f'{name} must be on or off, not "{shown(written)}"')
    return written == "on"


def _offset(name: str, written: str, _: Devices) -> int:
    if not _OFFSET.fullmatch(written):
        raise RequestError(
            "bad-argument", f'{name} must be a whole number from 0, not "{shown(written)}"'
        )
    return int(written)


def _row(name: str, written: str, _: Devices) -> int:
    """The number of a job or a finding; those that came from a damaged ledger are below 1."""
    if not _EVENT.fullmatch(written):
        raise RequestError(
            "bad-argument", f'{name} must be a whole number, not "{shown(written)}"'
        )
    return int(written)


def _since(name: str, written: str, _: Devices) -> int:
    """The begin of a period (:mod:`beemon.base.since`), in microseconds since 1970."""
    found = since.begin_us(written, clock.now().utc_us, zone.local())
    if found is None:
        raise RequestError(
            "bad-argument", f'{name} must be {since.FORMS}, not "{shown(written)}"'
        )
    return found


def _day(name: str, written: str, _: Devices) -> date:
    """A day on the clocks of this machine, from 1970 to today."""
    now_us, there = clock.now().utc_us, zone.local()
    found = since.day_of(written, now_us, there)
    if found is None:
        raise RequestError(
            "bad-argument",
            f'{name} must be a date such as 2026-06-01, today or yesterday, not "{shown(written)}"',
        )
    if not date(1970, 1, 1) <= found <= to_datetime(now_us, there).date():
        raise RequestError("bad-argument", f"{name} must be from 1970 to today, not {found}")
    return found


def _count_or_since(name: str, written: str, _: Devices) -> tuple[int | None, int | None]:
    """Either a number or the begin of a period in microseconds since 1970, each in its place."""
    if _COUNT.fullmatch(written):
        return int(written), None
    found = since.begin_us(written, clock.now().utc_us, zone.local())
    if found is None:
        raise RequestError(
            "bad-argument",
            f'{name} must be a whole number from 1, or {since.FORMS}, not "{shown(written)}"',
        )
    return None, found


def _job_or_devices(name: str, written: str, devices: Devices) -> int | str:
    """A job's number; or a device or `all`, for the jobs that clients asked them for."""
    if _COUNT.fullmatch(written):
        return int(written)
    if written == "all" or written in devices:
        return written
    if kind_of(written) in map(kind_of, devices):
        raise RequestError(
            "unknown-device", f'no device "{shown(written)}"{suggestion(written, devices)}'
        )
    raise RequestError(
        "bad-argument",
        f'{name} must be the number of a job, the name of a device, or all, not "{shown(written)}"',
    )


def _word(name: str, written: str, _: Devices) -> str:
    if written not in VOCABULARY:
        raise RequestError(
            "bad-argument",
            f'{name} must be a word that `help` lists, not "{shown(written)}"'
            f"{suggestion(written, HARMLESS, '')}",
        )
    return written


def _one_of(*words: str) -> Parser:
    def parse(name: str, written: str, _: Devices) -> str:
        if written not in words:
            raise RequestError(
                "bad-argument",
                f'{name} must be one of {", ".join(words)}, not "{shown(written)}"',
            )
        return written

    return parse


def _grams(name: str, written: str, _: Devices) -> float:
    """``10kg``, ``500g``, ``22lb``: in grams."""
    match = _WEIGHT.fullmatch(written)
    grams = float(match[1]) * WEIGHT_UNITS[match[2]] if match else 0.0
    if not 0 < grams <= MAX_GRAMS:
        raise RequestError(
            "bad-argument",
            f'{name} must be a weight with its unit, such as 10kg, 500g or 22lb, not '
            f'"{shown(written)}"',
        )
    return grams


def _fits_step(arguments: Mapping[str, Any]) -> None:
    step, weight = arguments["STEP"], arguments.get("WEIGHT")
    if step in ("weight", "added") and weight is None:
        raise RequestError("bad-argument", f"`{step}` needs a WEIGHT, such as {step} 10kg")
    if step in ("zero", "temperature") and weight is not None:
        raise RequestError("bad-argument", f"`{step}` takes no weight")


def _recording(name: str, written: str, _: Devices) -> int | str:
    """A recording's number in the ledger, or its path in the archive."""
    if _ROW.fullmatch(written):
        return int(written)
    if _PATH.fullmatch(written):
        return written
    raise RequestError(
        "bad-argument",
        f"{name} must be the path of a recording, such as recordings/2026-06-01/…, or its "
        f'number, not "{shown(written)}"',
    )


def _sha256(name: str, written: str, _: Devices) -> str:
    if not _SHA256.fullmatch(written):
        raise RequestError(
            "bad-argument",
            f"{name} must be the recording's SHA-256, 64 hexadecimal digits, not "
            f'"{shown(written)}"',
        )
    return written.lower()


def _name(name: str, written: str, _: Devices) -> str:
    if not is_device_word(written):
        raise RequestError(
            "bad-argument",
            f"{name} must be up to 31 small letters, digits, hyphens and underscores, not "
            f'"{shown(written)}"',
        )
    return written


def _anything(_: str, written: str, __: Devices) -> str:
    return written


_RECORDER = Argument("DEVICE", _device("camera", "microphone"))
_SWITCHED = Argument("DEVICE|all", _device(or_all=True))
_SENSORS = Argument("SENSOR", _device("sensor"), optional=True, repeated=True)
_KNOWN = Argument("SENSOR", lambda _, written, __: written, optional=True, repeated=True)
_JOB = Argument("JOB", _row)
_RECORDING = Argument("RECORDING", _recording)
URGENT = ("start", "stop", "inspection", "clock", "cancel", "reload")
"""Commands that wait for no device; they are taken when no other command is."""
PROOFS = ("hash", "read-back")
"""The proofs of an upload: the remote storage computed the hash, or the whole file was read back.
The size alone proves nothing."""
ALERT_STEPS = ("opened", "closed", "digest", "test")
"""The kinds of message to the beekeeper."""
DELIVERIES = ("delivered", "refused", "unknown")
"""The fate of a message; ``unknown``: no answer came in time."""
STEPS = ("zero", "weight", "standing", "added", "temperature")
"""The steps of a scale's calibration."""

_WORDS = (
    Word(
        "record",
        "record sound or video for SECONDS (default: as scheduled, else 10)",
        (_RECORDER, Argument("SECONDS", _seconds, optional=True)),
        is_command=True,
    ),
    Word(
        "snapshot",
        "take one picture, even if the camera is recording",
        (Argument("CAMERA", _device("camera")),),
        is_command=True,
    ),
    Word(
        "live",
        "show a camera's live picture, twice a second, for 2 minutes or SECONDS; ask again to go "
        "on",
        (Argument("CAMERA", _device("camera")), Argument("SECONDS", _seconds, optional=True)),
        is_command=True,
    ),
    Word("read", "read the given sensors, or all", (_SENSORS,), is_command=True),
    Word(
        "calibrate",
        "calibrate a scale: zero (empty), weight (WEIGHT on it), standing (hive on it), "
        "added (WEIGHT added) or temperature (drift); WEIGHT is accurate to TOLERANCE",
        (
            Argument("SCALE", _device("sensor")),
            Argument("STEP", _one_of(*STEPS), choices=(
                f"one of {', '.join(STEPS)}; at a terminal, `beemon calibrate SCALE` "
                "guides you through them"
            )),
            Argument("WEIGHT", _grams, optional=True),
            Argument("TOLERANCE", _grams, optional=True),
        ),
        is_command=True,
        check=_fits_step,
    ),
    Word(
        "switch",
        "switch an output on or off; after SECONDS it returns to its safe state",
        (
            Argument("OUTPUT", _device("output")),
            Argument("on|off", _on_or_off),
            Argument("SECONDS", _seconds, optional=True),
        ),
        is_command=True,
    ),
    Word("start", "resume scheduled work", (_SWITCHED,), is_command=True),
    Word(
        "stop",
        "pause scheduled work until `start` or a restart of the service",
        (_SWITCHED,),
        is_command=True,
    ),
    Word(
        "inspection",
        "mark the hive as open or closed; ends automatically after 2 hours",
        (
            Argument("begin|end", _one_of("begin", "end")),
            Argument("NOTE", _anything, optional=True, repeated=True),
        ),
        is_command=True,
    ),
    Word(
        "swarm",
        "confirm that the FINDING was a swarm, or not",
        (Argument("FINDING", _row), Argument("yes|no", _one_of("yes", "no"))),
        is_command=True,
    ),
    Word(
        "clock",
        "confirm that you set the clock right (for hives without network time)",
        (Argument("right", _one_of("right")),),
        is_command=True,
    ),
    Word(
        "cancel",
        "end a job early, or all jobs that clients requested of a device or of all; recordings are "
        "kept",
        (Argument("JOB|DEVICE|all", _job_or_devices),),
        is_command=True,
    ),
    Word(
        "uploaded",
        "mark a recording as uploaded; a full disk then deletes it first",
        (
            _RECORDING,
            Argument("SHA256", _sha256),
            Argument("PROOF", _one_of(*PROOFS), choices=f"one of {', '.join(PROOFS)}"),
        ),
        is_command=True,
    ),
    Word(
        "forgotten",
        "mark a recording as not uploaded, if the remote storage has lost it",
        (_RECORDING,),
        is_command=True,
    ),
    Word(
        "alerted",
        "record that the alert RULE sent a message, and whether it arrived",
        (
            Argument("RULE", _name),
            Argument("STEP", _one_of(*ALERT_STEPS), choices=f"one of {', '.join(ALERT_STEPS)}"),
            Argument("DELIVERY", _one_of(*DELIVERIES), choices=f"one of {', '.join(DELIVERIES)}"),
        ),
        is_command=True,
    ),
    Word("reload", "apply the config on disk, or show its problems", is_command=True),
    Word("status", "show how the service and each device are doing"),
    Word("devices", "list the devices in the config"),
    Word("job", "show all details of one job", (_JOB,)),
    Word(
        "jobs",
        "list the latest jobs (20 by default)",
        (Argument("COUNT|SINCE", _count_or_since, optional=True),),
    ),
    Word(
        "readings",
        "show the latest readings, of the given sensors or of all",
        (_SENSORS,),
    ),
    Word(
        "events",
        "list events of the last 7 days, or since SINCE; of one KIND or of all kinds",
        (
            Argument("SINCE", _since, optional=True),
            Argument("KIND", _anything, optional=True),
        ),
    ),
    Word(
        "today", "show the news of the hive, or of DATE", (Argument("DATE", _day, optional=True),)
    ),
    Word("why", "show the reasons for a finding", (Argument("FINDING", _row),)),
    Word(
        "findings",
        "list findings of the last 30 days, or since SINCE",
        (Argument("SINCE", _since, optional=True),),
    ),
    Word("calibrations", "list calibrations, of these sensors or of all", (_KNOWN,)),
    Word(
        "history",
        "show the readings of one quantity in the last day, or since SINCE; hourly means if "
        "there are too many",
        (
            Argument("DEVICE", _anything),  # the ledger may know one that the config has no more
            Argument("QUANTITY", _anything),
            Argument("SINCE", _since, optional=True),
        ),
    ),
    Word(
        "completeness",
        "count the scheduled jobs done in the last 30 days, or since SINCE, and the reasons for "
        "the others",
        (Argument("SINCE", _since, optional=True),),
    ),
    Word(
        "budget",
        "show disk use a day, when the disk is full and what is deleted then",
    ),
    Word("wait", "wait until the job has ended, and show it", (_JOB,)),
    Word("watch", "show jobs as they end and devices as they change, until Ctrl-C"),
    Word(
        "piece",
        "send a piece of a job's recording, from the byte OFFSET on (from 0)",
        (_JOB, Argument("OFFSET", _offset)),
    ),
    Word("ping", "check that the service answers"),
    Word("version", "show the version of the service"),
    Word(
        "help",
        "list the words and their arguments",
        (Argument("WORD", _word, optional=True),),
    ),
    Word("auth", "send the token, if one is set", (Argument("TOKEN", _anything),)),
    Word("as", "send the name of the program whose commands follow",
         (Argument("NAME", _name),)),
)

VOCABULARY = {word.name: word for word in _WORDS}
"""Every word, by name, in the order in which `help` lists them."""

FOR_PROGRAMS = ("alerted", "as", "auth", "piece")
"""The words that programs of beemon send by themselves, so that nobody types them."""

HARMLESS = [
    word.name for word in _WORDS
    if word.name in ("record", "snapshot", "read") or not word.is_command
]
"""The words that change no state: only these are suggested for one that is not known."""


def parse(text: str, devices: Devices) -> Request:
    """Parse a request. Raises :class:`~beemon.protocol.lines.RequestError`."""
    words = [word for word in text.split(" ") if word]
    if not words:
        raise RequestError("empty", "the request is empty; `help` lists the words")
    name, *values = words
    word = VOCABULARY.get(name)
    if word is None:
        raise RequestError(
            "unknown-command",
            f'unknown command "{shown(name)}"'
            f"{suggestion(name.lower(), HARMLESS, '; `help` lists the words')}",
        )
    arguments = _arguments(word, values, devices)
    word.check(arguments)
    return Request(word, text, arguments)


def _arguments(word: Word, values: list[str], devices: Devices) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for argument in word.arguments:
        if argument.repeated:
            taken, values = values, []
            arguments[argument.name] = [argument.parse(argument.name, v, devices) for v in taken]
        elif values:
            arguments[argument.name] = argument.parse(argument.name, values.pop(0), devices)
        elif not argument.optional:
            choices = f" ({argument.choices})" if argument.choices else ""
            raise RequestError(
                "bad-argument", f"{argument.name} is missing{choices}; usage: {word.usage}"
            )
    if values:
        raise RequestError(
            "bad-argument", f'"{shown(values[0])}" is one argument too many; usage: {word.usage}'
        )
    return arguments
