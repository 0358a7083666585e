"""What people read is plain English, as far as a program can tell."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import beemon
from beemon.cli.main import main
from beemon.cli.manual import EXPLAINED, HERE
from beemon.protocol.commands import FOR_PROGRAMS, VOCABULARY

SOURCE = Path(beemon.__file__).parent
PROJECT = Path(__file__).parent.parent
PAGES = [PROJECT / "README.md", *sorted(PROJECT.glob("debian/beemon*.[157]"))]
CONFIGS = [PROJECT / "debian/beemon.toml", *sorted(PROJECT.glob("debian/examples/*.toml"))]
IN_TEXTS, IN_DOCUMENTS = 20, 25
"""The most words of a sentence in a message or a help text, and in a longer document."""

BANNED = re.compile(
    r"\b(anew|reckon(ed|s|ing)?|(is|are|was|were) told(?! to\b| apart\b)|told of"
    r"|(?<!there )is none|nobody (knows|finished)"
    r"|ails?|so many|goes on(?! the)|dated anew|stands? still|stays? so|all the same|has no sense"
    r"|counts instead|comes first(?!,)|the last word|held against)\b",
    re.IGNORECASE,
)
"""Words of a private dialect; nothing that is written for a reader has one."""

HABITS = {
    "a free clause in the place of a noun": re.compile(
        r"(^|: )(what|who|whoever|whatever|how)\b(?!.*\?)"
        r"|\b(for|of|by|to|with|from) (who|whoever|what|whatever)\b|\bwhat nobody\b"
        r"|\b(by|from|over|of) how (many|much|long|far)\b",
        re.IGNORECASE,
    ),
    "`where` for `if`": re.compile(
        r"\bwhere (that|it|no|there) \w+|(^|[:;] )where (the|an?|nobody|none|one|some|those|all)\b",
        re.IGNORECASE,
    ),
    "`but for` for `except`": re.compile(r"\bbut for\b"),
    "an inversion": re.compile(
        r"^(Not|In|On|Of|By|At)( \w+){1,2} (is|are|stands?|goe?s?)\b(?! to)", re.IGNORECASE
    ),
    "`go` for `be deleted`": re.compile(r"\b(recordings|readings|files) go\b"),
    "a thing that speaks": re.compile(
        r"\bsays? (so|a token|nothing)\b|^tells? that\b|\bcan be believed\b"
    ),
    "a pun with `no`": re.compile(r"\bto be (one|no)\b|\bcosts? (that|it|the \w+) (its|their)\b"),
    "a word that was translated": re.compile(
        r"\bwas tried over\b|\bfrom the \w+ on\b|\bits turn\b|, whole,|\bset aside\b"
    ),
    "an internal word": re.compile(r"\b(slots?|ledgers?)\b", re.IGNORECASE),
    "many days for months or years": re.compile(r"\b\d{3,}(\.\d+)? days\b"),
}
"""The habits of translated English that a pattern can find, each with its name."""

WORST = [
    (
        "every client must then begin with `auth TOKEN`, and `beemon` does so by itself for who "
        "may read that file",
        "Every client must then send `auth TOKEN` first. The `beemon` command does this for you "
        "if you are root or in the group `beemon`.",
    ),
    (
        "The driver of the Pi's own camera was tried over the real picamera2 and libcamera, but "
        "not yet on a Pi",
        "The Pi camera driver has been tested with the real picamera2 and libcamera libraries, "
        "but not yet on a Raspberry Pi.",
    ),
    (
        "A Pi without a battery clock begins in the past. Each record says how far its date can "
        "be believed",
        "A Pi without a battery-backed clock starts with the wrong date. Each record therefore "
        "states how reliable its timestamp is",
    ),
    (
        "what was dated before is dated anew by the time since boot, and says `redated`; each "
        "setting of the clock is an event",
        "Earlier records of the same boot then get corrected timestamps and are marked "
        "`redated`. Every clock change is logged as an event.",
    ),
    (
        "Below `min_free` the oldest recordings go, in an order that is declared; where that is "
        "not enough, recorders pause, and go on by themselves",
        "When free space drops below `min_free`, beemon deletes the oldest recordings, in the "
        "order you configured. If that is not enough, recording pauses and resumes by itself "
        "when there is space again.",
    ),
    (
        "A ledger that turns out to be damaged is set aside, whole, and a new one begun",
        "If the database is corrupt, beemon keeps the damaged file under another name and starts "
        "a new one.",
    ),
    (
        "Not in it is that most scales drift with the temperature, by some 10 to 100 g a kelvin",
        "This does not include temperature drift: 10 to 100 g per °C for most scales.",
    ),
    (
        "A calibration that the config gives for the same quantity counts instead, and "
        "`calibrate` says so",
        "A calibration in the config file takes precedence; `beemon calibrate` then refuses and "
        "says why.",
    ),
    (
        "A step is told when the weight has stood still for half an hour, and never of a time at "
        "which nothing was measured",
        "A change is reported once the weight has been stable for 30 minutes. It is never "
        "reported across a gap in the data.",
    ),
    (
        "A sensor or output that cost those beside it their worker gets one of its own; what "
        "they were doing is done again, and is not held against them",
        "If one device crashes or blocks the process it shares with others, beemon gives it a "
        "process of its own. The other devices' requests are repeated and do not count as "
        "failures.",
    ),
    (
        "What a counter had counted since its last reading goes with its worker, where another "
        "device costs that its life: its `interval` says from when on it counts",
        "If another device crashes the worker, counts since the last reading are lost. "
        "`interval` shows how many seconds the count covers.",
    ),
    (
        "`salvage.py`: how what nobody finished becomes a recording, or goes",
        "repairs recordings that a crash left unfinished, or deletes them",
    ),
    (
        "`here.py`: what is done with an archive without the service",
        "`beemon archive`, `export` and `import`: work on the archive directly",
    ),
    (
        "`upkeep.py`: what the ledger knows to be unfinished, and who finishes it",
        "finds unfinished recordings and has them repaired",
    ),
    (
        "`flat`: one value stands still for 5 s, or half of the time; told of from half a second",
        "the signal is frozen for 5 s or for half of the recording (mentioned from 0.5 s)",
    ),
    (
        "`frozen`: nothing changes, not even by a sensor's noise, all of the time or from the "
        "middle on",
        "the picture does not change at all, not even by sensor noise, in the whole video or its "
        "second half",
    ),
    (
        "`late`: the slot's moment had long passed when its command could be entered",
        "the command could only be recorded more than 10 s after the scheduled time",
    ),
    (
        "`refused`: the command did not fit the config, or the clock, when its turn came",
        "the config had changed, or the clock was not set, when the command's turn came",
    ),
    (
        "tell that you open the hive, or that you closed it; after 2 hours it ends by itself",
        "mark the hive as open or closed; ends automatically after 2 hours",
    ),
    (
        "tell that the clock is right, where no network says so: after you set it",
        "confirm that you have set the clock correctly (for hives without network time)",
    ),
    (
        "what happened to the hive or to beemon itself, of 7 days or since; of one KIND or all",
        "list events of the last 7 days, or since SINCE; of one KIND or of all kinds",
    ),
    (
        "how raw numbers became values, of these sensors or all",
        "list calibrations, of these sensors or of all",
    ),
    (
        "78.8 GB are free, 2.0 GB of them stay so: full in 3554.5 days",
        "78.8 GB free, 2.0 GB of it reserved. At this rate the disk is full in about 9.7 years.",
    ),
    (
        "is degraded: it works, but for the trouble below",
        "is running, with the problems below",
    ),
    (
        "zero comes first: it is not measured yet",
        "Measure the empty scale first: beemon calibrate sensor.scale zero",
    ),
    (
        "cannot be recounted: its schedule has no sense on this machine",
        "cannot be checked: its schedule is not valid on this machine (time zone or "
        "python3-ephem missing)",
    ),
    (
        "clients must say a token: set token_file",
        "clients must authenticate: set token_file",
    ),
    (
        "In parentheses stands what an option is where it is left out",
        "Defaults are shown in parentheses.",
    ),
    (
        "On a disk that is full all the same, single readings go of hours that are long past and "
        "summed up",
        "If the disk is still full, the individual readings of old hours are deleted; their "
        "hourly means are kept.",
    ),
    (
        "How long a change must last to be one, and no bounce",
        "Debounce time: shorter changes are ignored.",
    ),
]
"""The thirty worst sentences that beemon had, each with its better wording."""

SQL = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|FILTER|CASE|NULL|IN \(|BETWEEN|AND|OR|json_\w+)\b"
)
"""A statement or a part of one, which nobody reads as a sentence."""

VERBS = {
    "apply", "calibrate", "cancel", "check", "confirm", "count", "end", "fit", "import", "list",
    "mark", "measure", "pause", "play", "read", "rebuild", "record", "resume", "run", "send",
    "show", "stop", "switch", "take", "use", "wait", "write",
}


def faults(text: str, most: int = IN_DOCUMENTS) -> list[str]:
    """What is wrong with a text's words; no sentence may have more than ``most`` of them."""
    found = [f"the word `{match[0]}`" for match in BANNED.finditer(text)]
    for sentence in sentences(text):
        found += [habit for habit, pattern in HABITS.items() if pattern.search(sentence)]
        if (words := len(sentence.split())) > most:
            found.append(f"a sentence of {words} words")
    return found


def sentences(text: str) -> list[str]:
    """The sentences of a text; what is quoted in them is one word."""
    quoted = re.sub(r"`[^`]*`|\"[^\"]*\"", "QUOTED", " ".join(text.split()))
    return [part for part in re.split(r"(?<=[.!?;])\s+(?=\S)", quoted) if part]


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The texts for people in a module with their lines; a value set into one is an X."""
    apart = {id(part) for node in ast.walk(tree) for part in left_out(node)}
    for node in ast.walk(tree):
        if id(node) in apart or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        text = written(node)
        if text.count(" ") > 1 and not SQL.search(text):
            yield node.lineno, text


def left_out(node: ast.AST) -> list[ast.AST]:
    """The parts of a node that are documentation, part of a text, or an option's noun."""
    if isinstance(node, ast.JoinedStr):
        return list(node.values)
    if isinstance(node, ast.Expr):
        return [node.value]
    if isinstance(node, ast.keyword) and node.arg == "doc":
        return [node.value]
    return []


def written(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(
        written(part) if isinstance(part, ast.Constant) else "X" for part in node.values
    )


def prose(docstring: str) -> Iterator[str]:
    """The paragraphs and items of a docstring without what is typed, and without examples."""
    text = re.sub(r":\w+:`[^`]*`|``[^`]*``", '"QUOTED"', docstring)
    for part in re.split(r"\n\s*\n|\n(?=- |\d\. )", text):
        if not part.startswith("    "):
            yield part


def wrong_in(text: str, most: int = IN_DOCUMENTS, *, internal: bool = False) -> list[str]:
    """What is wrong with a docstring; ``internal`` words are for developers only."""
    found = (fault for part in prose(inspect.cleandoc(text)) for fault in faults(part, most))
    return [fault for fault in found if not (internal and fault == "an internal word")]


def options(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The texts of the options in a module: each is a part of beemon.toml(5)."""
    words = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    for word in words:
        if word.arg == "doc" and isinstance(word.value, ast.Constant | ast.JoinedStr):
            yield word.value.lineno, written(word.value)


def settings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The docstrings of the settings in a module: a driver's part of beemon.toml(5)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == "Settings":
            yield node.lineno, ast.get_docstring(node) or ""


def logged(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The lines that a module writes into the journal, as far as they are written in it."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    for call in calls:
        line = call.args[0]
        of_log = ast.unparse(call.func).startswith("log.")
        if of_log and isinstance(line, ast.Constant | ast.JoinedStr):
            yield call.lineno, re.sub(r"%[sd]|%\.\d+f", "X", written(line))


@pytest.mark.parametrize("now", [now for now, _ in WORST])
def test_a_sentence_of_the_worst_has_a_fault(now):
    assert faults(now)


@pytest.mark.parametrize("better", [better for _, better in WORST])
def test_its_better_wording_has_none(better):
    assert faults(better) == []


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_text_has_a_fault(file):
    found = {line: wrong for line, text in texts(parsed(file)) if (wrong := faults(text, IN_TEXTS))}
    assert found == {}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_docstring_has_a_fault(file):
    found = {
        node.lineno: wrong for node in ast.walk(parsed(file))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        and (wrong := wrong_in(str(node.value.value), internal=True))
    }
    assert found == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_has_a_banned_word(page):
    assert [match[0] for match in BANNED.finditer(page.read_text("utf-8"))] == []


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.name)
def test_no_comment_in_a_shipped_config_has_a_fault(file):
    comments = [line.partition("#")[2].strip() for line in file.read_text("utf-8").splitlines()]
    found = {text: faults(text) for text in "\n".join(comments).split("\n\n")}
    assert {text: wrong for text, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_part_of_the_manual_of_the_config_has_a_fault(file):
    parts = [*options(parsed(file)), *settings(parsed(file))]
    assert {line: wrong for line, text in parts if (wrong := wrong_in(text))} == {}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_line_of_the_journal_has_a_fault(file):
    lines = logged(parsed(file))
    assert {line: wrong for line, text in lines if (wrong := faults(text, IN_TEXTS))} == {}


@pytest.mark.parametrize("word", [
    "", *(word for word in VOCABULARY if word not in FOR_PROGRAMS), *HERE,
])
def test_the_help_of_a_word_has_no_fault(word, capsys):
    with pytest.raises(SystemExit):
        main([*word.split(), "--help"])
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: beemon {word}")
    for paragraph in shown.split("\n\n")[1:]:
        if "  " not in paragraph:  # of a table, whose cells are texts of the source
            assert faults(paragraph, IN_TEXTS) == []


@pytest.mark.parametrize(
    ("word", "summary"),
    [*((word.name, word.summary) for word in VOCABULARY.values()), *HERE.items()],
)
def test_a_summary_begins_with_a_verb(word, summary):
    assert summary.split(" ")[0] in VERBS


def test_no_explanation_has_a_fault():
    explained = [
        text for table in EXPLAINED.values() for explanation in table.values()
        for text in explanation
    ]
    assert {text: wrong for text in explained if (wrong := faults(text, IN_TEXTS))} == {}


def test_every_trouble_of_the_service_comes_with_a_remedy():
    without = [
        f"{file.relative_to(SOURCE)}:{call.lineno}"
        for file in FILES
        for call in ast.walk(parsed(file))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("Trouble")
        and len(call.args) < 3 and not any(word.arg == "remedy" for word in call.keywords)
    ]
    assert without == []
