"""What is written for people says what the code says."""

from __future__ import annotations

import ast
import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from beemon.base.finding import KINDS as FINDING_KINDS
from beemon.base.outcomes import REASONS
from beemon.base.readings import QUALITIES
from beemon.base.recording import RecordingFacts
from beemon.base.schedule import Schedule
from beemon.base.status import DEVICE_STATES, POWER_STAGES, DeviceState, PowerStage
from beemon.checks.examine import examine
from beemon.checks.findings import FINDINGS
from beemon.cli.manual import HERE
from beemon.config import settings as config
from beemon.config.power import HaltSettings, PowerSettings, SavingSettings
from beemon.config.web import WebSettings
from beemon.devices import PACKAGES, drivers, load, module, settings_for
from beemon.devices._base import CommonSettings, DeviceError, Measurement, SensorSettings
from beemon.devices.sensors._chips import CHIPS
from beemon.protocol.commands import FOR_PROGRAMS, URGENT, VOCABULARY
from beemon.protocol.lines import ERRORS, MAX_REFUSED, NOT_UNDERSTOOD
from beemon.scale.steps import KINDS
from beemon.server import answers, intake, limits
from scripts.manual import fill
from tests.grounds import GROUNDS
from tests.plugins import install
from tests.test_imports import ROWS
from tests.test_words import BANNED, IN_DOCUMENTS, faults, sentences

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text("utf-8")
HOUSE = (PROJECT / "beemon/README.md").read_text("utf-8")
SCRIPTS, TESTS = (
    (PROJECT / folder / "README.md").read_text("utf-8") for folder in ("scripts", "tests")
)
OWN_DRIVER = (PROJECT / "beemon/devices/README.md").read_text("utf-8")
COMMAND, REASONS_PAGE, PROTOCOL = (
    (PROJECT / "debian" / page).read_text("utf-8")
    for page in ("beemon.1", "beemon-reasons.7", "beemon-protocol.7")
)
PAGE = PROJECT / "debian/beemon.toml.5"

Row = tuple[str, ...]


def tables(text: str) -> dict[Row, list[Row]]:
    """The tables in a Markdown text: heading to rows."""
    found: dict[Row, list[Row]] = {}
    heading = None
    for line in text.splitlines():
        cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
        if not line.startswith("|"):
            heading = None
        elif heading is None:
            heading = cells
            found[heading] = []
        elif not set(line) <= set("|-: "):
            found[heading].append(cells)
    return found


def table(text: str, *heading: str) -> list[Row]:
    found = tables(text)
    assert heading in found, f"there is no table | {' | '.join(heading)} |"
    return found[heading]


def words(cell: str) -> list[str]:
    """What a cell has between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def terms(page: str, heading: str) -> dict[str, str]:
    """The words that a section of a manual page explains, each with its text."""
    section = page.partition(f"\n.SH {heading}\n")[2].partition("\n.SH ")[0]
    assert section, f"the page has no section {heading}"
    items = re.findall(
        r"^\.TP\n\.BR? (.+)\n((?:(?!\.TP\n).*\n?)*)", section, re.MULTILINE
    )
    return {tag.replace("\\-", "-"): " ".join(text.split()) for tag, text in items}


def explained_words(heading: str) -> set[str]:
    return set(terms(REASONS_PAGE, heading))


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 170


def test_the_manual_of_the_words_has_every_error_code_and_no_other():
    assert explained_words("ERROR CODES") == set(ERRORS)


def test_the_manual_of_the_words_has_every_reason_and_no_other():
    assert explained_words("REASONS") == set(REASONS)


def test_the_manual_of_the_words_has_every_quality_and_no_other():
    assert explained_words("QUALITIES") == set(QUALITIES)


def test_the_manual_of_the_words_has_every_state_of_a_device_and_no_other():
    assert explained_words("DEVICE STATES") == set(DEVICE_STATES) == set(DeviceState)


def test_the_manual_of_the_words_has_every_stage_of_saving_power_and_no_other():
    assert explained_words("POWER STAGES") == set(POWER_STAGES) == set(PowerStage)


def test_the_manual_of_the_words_has_every_finding_and_no_other():
    assert explained_words("FINDINGS") == set(FINDINGS)


def test_the_manual_of_the_words_has_every_step_of_a_weight_with_its_meaning():
    found = terms(REASONS_PAGE, "CHANGES OF WEIGHT")
    assert {word: text.removesuffix(".") for word, text in found.items()} == KINDS


def test_the_manual_of_the_words_has_every_kind_of_finding_about_the_colony():
    found = terms(fill(REASONS_PAGE), "FINDINGS ABOUT THE COLONY")
    assert set(found) == set(FINDING_KINDS)
    assert all(found[kind].startswith(FINDING_KINDS[kind].meaning[:20]) for kind in found)


def test_the_manual_of_the_words_has_every_feature(tmp_path):
    noise = np.random.default_rng(1).normal(0, 0.1, 160_000)
    soundfile.write(tmp_path / "noise.flac", noise, 16000)
    found = examine(tmp_path / "noise.flac", RecordingFacts())
    names = [feature.quantity for feature in found.features]
    bands = [name for name in names if name.startswith("band_")]
    explained = {
        name for tag in explained_words("FEATURES") for name in re.findall(r"[a-z_0-9]+", tag)
    } - {"to"}
    assert explained == set(names) - set(bands[1:-1]) | {"motion"}


def test_the_readme_has_a_driver_of_each_kind_and_none_that_is_not_there():
    listed = {
        (kind.strip(), driver)
        for kinds, driver_cell, _ in table(README, "kind", "driver", "what it is for")
        for kind in kinds.split(",")
        for driver in words(driver_cell)
    }
    assert listed <= {(kind, driver) for kind in PACKAGES for driver in drivers(kind)}
    assert {kind for kind, _ in listed} == set(PACKAGES)


# The protocol

def test_the_manual_of_the_protocol_has_every_command_and_every_query():
    def usages(*, of_commands: bool) -> set[str]:
        return {
            word.usage.replace("…", "...")
            for word in VOCABULARY.values() if word.is_command is of_commands
        }

    assert set(terms(PROTOCOL, "COMMANDS")) == usages(of_commands=True)
    assert set(terms(PROTOCOL, "QUERIES")) == usages(of_commands=False)


@pytest.mark.parametrize("word", VOCABULARY.values(), ids=list(VOCABULARY))
def test_the_manual_of_the_protocol_says_of_a_word_the_same_as_the_help(word):
    told = terms(PROTOCOL, "COMMANDS" if word.is_command else "QUERIES")
    text = re.sub(r"\\f[BR]", "", told[word.usage.replace("…", "...")]).replace("\\-", "-")
    assert f"{text} ".startswith(f"{word.summary.replace('`', '')}. ")


def test_the_manual_of_the_protocol_has_every_limit_with_its_error():
    rows = re.findall(r"^(.+)\|(\d+)\|(.+)$", PROTOCOL.replace("\\-", "-"), re.MULTILINE)
    numbers = [int(number) for _, number, _ in rows]
    assert numbers == [
        limits.MAX_CLIENTS, 100,  # by the Unix socket, which is the server's own affair
        answers.MAX_WAITING, answers.MAX_WAITING_EACH, answers.MAX_WATCHING,
        intake.MAX_OPEN_JOBS, intake.MAX_CLIENT_JOBS, intake.MAX_DEVICE_JOBS,
    ]
    assert {error for _, _, error in rows} <= set(ERRORS)


def test_the_manual_of_the_protocol_says_when_a_connection_is_closed():
    text = " ".join(re.sub(r"\\f[BR]", "", PROTOCOL).replace("\\-", "-").split())
    closing = text.partition(".SH CLOSED CONNECTIONS")[2]
    assert f"after {MAX_REFUSED} requests in a row" in closing
    assert all(code in closing for code in NOT_UNDERSTOOD)
    assert f"after {limits.Limits.idle_seconds:.0f} seconds without a request" in text
    assert f"within {limits.Limits.request_seconds:.0f} seconds of its first byte" in text
    assert f"The commands {', '.join(URGENT[:-1])} and {URGENT[-1]} have" in text


# The architecture

def test_the_rows_in_the_architecture_are_those_of_the_import_rule():
    rooms = table(HOUSE, "row", "package", "what it holds")
    listed = [(int(row), words(package)[0]) for row, package, _ in rooms]
    assert sorted(listed) == sorted(
        (depth, package) for depth, row in enumerate(ROWS, 1) for package in row.split()
    )


PATH = [(*words(where), "") for _, where, _ in table(HOUSE, "step", "where", "what happens")]


def defined(file: Path) -> set[str]:
    """The functions of a module, and its methods with their classes."""
    body = ast.parse(file.read_text("utf-8")).body
    methods = {
        f"{node.name}.{method.name}"
        for node in body if isinstance(node, ast.ClassDef)
        for method in node.body if isinstance(method, ast.FunctionDef)
    }
    return methods | {node.name for node in body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("step", PATH, ids=[step[0] for step in PATH])
def test_each_function_on_the_path_of_a_command_is_there(step):
    file, *functions = step
    assert set(functions[:-1]) - defined(PROJECT / "beemon" / file) == set()
    assert functions[:-1]


def folders() -> set[str]:
    """The folders at the top that the architecture explains."""
    return {words(where)[0] for where, _ in table(HOUSE, "where", "what")}


@pytest.mark.process
def test_the_architecture_names_every_folder_at_the_top():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("this is no git checkout")
    found = {name.partition("/")[0] + "/" for name in tracked.stdout.split() if "/" in name}
    assert found == folders() | {"beemon/"}


PAGES = [PROJECT / "README.md", *(
    page for folder in ("beemon", "scripts", "tests", ".github")
    for page in sorted((PROJECT / folder).rglob("*.md"))
)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_no_link_between_the_pages_leads_nowhere(page):
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_guide_to_the_tests_names_every_ground():
    grounds = table(TESTS, "ground", "what the tests on it prove")
    assert {words(name)[0] for name, _ in grounds} == set(GROUNDS)
    places = table(TESTS, "where", "what it proves")
    paths = [words(where)[0] for where, _ in places]
    assert [path for path in paths if not (PROJECT / path).exists()] == []


def test_the_guide_to_the_scripts_names_every_script():
    scripts = table(SCRIPTS, "script", "what it does")
    there = {path.name for path in (PROJECT / "scripts").iterdir() if path.is_file()}
    modules = {f"{words(name)[0]}.py" for name, _ in scripts}  # what a script runs in Python
    assert {words(name)[0] for name, _ in scripts} == there - modules - {"README.md"}


def prose(page: str) -> Iterator[str]:
    """The paragraphs, items and cells of a Markdown text, without examples and headings."""
    text = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    for part in re.split(r"\n\s*\n|\n(?=\d+\. |- |\|)", text):
        if not part.startswith("#"):
            yield from part.split("|") if part.startswith("|") else [part]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_no_page_has_a_word_of_the_private_dialect_or_a_long_sentence(page):
    found = {
        part: wrong for part in prose(page.read_text("utf-8"))
        if (wrong := [*BANNED.findall(part), *long_sentences(part)])
    }
    assert found == {}


def roff_prose(page: str) -> Iterator[str]:
    """The paragraphs of a manual page, without examples and tables."""
    text = re.sub(r"^\.(nf|TS|EX)\n.*?^\.(fi|TE|EE)\n", "", page, flags=re.MULTILINE | re.DOTALL)
    for part in re.split(r"^\.(?:PP|TP|IP|RS|RE|TH|SH|SS|br)\b.*$", text, flags=re.MULTILINE):
        yield re.sub(r"^\.[A-Z]+ |\\f[BIPR]", "", part.replace("\\-", "-"), flags=re.MULTILINE)


def faults_of_manual(page: str) -> dict[str, list[str]]:
    """The parts of a manual page with faults; it may use the word ledger, which it explains."""
    found = {
        part: [fault for fault in faults(part) if fault != "an internal word"]
        for part in roff_prose(page)
    }
    return {part: wrong for part, wrong in found.items() if wrong}


@pytest.mark.parametrize(
    "page", [COMMAND, REASONS_PAGE, PROTOCOL], ids=["command", "reasons", "protocol"]
)
def test_no_manual_has_a_fault(page):
    assert faults_of_manual(page) == {}


def test_the_manual_of_the_config_has_no_fault(manual):
    assert faults_of_manual(manual) == {}


def long_sentences(text: str) -> list[str]:
    return [part for part in sentences(text) if len(part.split()) > IN_DOCUMENTS]


# Examples

def problems(text: str, folder: Path) -> list[str]:
    """What is wrong with a config, its drivers' options and all."""
    (folder / "beemon.toml").write_text(text)
    return [
        str(problem)
        for device in config.load(folder / "beemon.toml").devices.values()
        for problem in settings_for(device.kind, device.name, device.table, device.where)[1]
    ]


def test_every_config_in_the_readme_is_good(tmp_path):
    examples = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        assert problems(example, tmp_path) == []


def test_every_config_in_the_manual_of_the_command_is_good(tmp_path):
    blocks = re.findall(r"^\.nf\n(.*?)^\.fi", COMMAND, re.MULTILINE | re.DOTALL)
    examples = [block for block in blocks if block.startswith("[")]
    assert examples
    for example in examples:
        assert problems(example.replace("\\-", "-"), tmp_path) == []


def test_the_driver_in_the_guide_to_drivers_works(tmp_path, monkeypatch):
    source, _ = re.findall(r"^```python\n(.*?)^```", OWN_DRIVER, re.MULTILINE | re.DOTALL)
    entry = re.findall(r'^(\[project\.entry-points.*)\n(.*)', OWN_DRIVER, re.MULTILINE)
    [(group, point)] = entry
    group, point = group.split('"')[1], point.replace('"', "")
    install(tmp_path, f"[{group}]\n{point}\n", hive_scale=source)
    monkeypatch.syspath_prepend(tmp_path)
    weight = tmp_path / "weight"
    scale = load("sensor", "sensor.scale", {"driver": "scale", "path": str(weight)})
    with pytest.raises(DeviceError, match="No such file"):
        scale.read()
    weight.write_text("34567.8\n")
    assert scale.read() == [Measurement("weight", 34567.8, "g")]
    _, [problem] = settings_for("sensor", "sensor.scale", {"driver": "scale"}, str)
    assert 'option "path" is missing: the file that holds the weight' in str(problem)


def test_every_command_in_the_readme_is_one():
    blocks = re.findall(r"^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    typed = set(re.findall(r"^beemon ([a-z]+)", "\n".join(blocks), re.MULTILINE))
    assert {"status", "record"} <= typed
    assert typed - set(VOCABULARY) <= {word.partition(" ")[0] for word in HERE}


OPTIONS = {
    field.name
    for settings in (
        config.Hive, config.ServerSettings, config.ArchiveSettings, config.RetentionSettings,
        config.Weighing, config.Counting, Schedule, PowerSettings, SavingSettings, HaltSettings,
        WebSettings,
    )
    for field in dataclasses.fields(settings)
} - {"place", "stages", "halt", "grace"}  # which are no options, or no user's
NO_DEFAULT = object()
GIVEN = {field.name: field.default for field in dataclasses.fields(SensorSettings)}
FOR_TESTS = {
    "dev", "sysfs", "proc", "seed", "speed", "load_file",
    "fault", "fault_after", "fault_for", "fault_file",
}


@pytest.fixture(scope="module")
def manual() -> str:
    """The manual page of the config, as the package has it."""
    return fill(PAGE.read_text())


def explained(manual: str) -> set[str]:
    """The options that have a paragraph of their own."""
    tags = re.findall(r"^\.TP\n\.BR? (.*)$", manual, re.MULTILINE)
    return {
        word
        for tag in tags
        for word in re.findall(r"[a-z_]+", re.sub(r'"[^"]*"|\[.*', " ", tag))
    }


def test_the_manual_of_the_config_explains_every_option_and_no_other(manual):
    general = manual.partition(".SH UPLINK\n")[0]
    of_every_device = {"driver"} | set(GIVEN) - {"name"}
    assert explained(general) == OPTIONS | of_every_device


def test_the_manual_of_the_config_explains_every_option_of_every_driver_and_no_other(manual):
    parts = re.split(r"^\.S[SH] (.*)\n", manual.partition(".SH DRIVERS\n")[2], flags=re.MULTILINE)
    found = dict(zip(parts[1::2], map(explained, parts[2::2]), strict=True))
    del found["SEE ALSO"]
    assert found == {
        f"{kind}: {driver}": own_options_of(module(kind, driver).Settings)
        for kind in PACKAGES
        for driver in drivers(kind)
    }


def own_options_of(settings: type[CommonSettings]) -> set[str]:
    """What a driver has besides the options of every sensor, or with another default."""
    fields = {field.name: field.default for field in dataclasses.fields(settings)}
    return {name for name in fields if GIVEN.get(name, NO_DEFAULT) != fields[name]} - FOR_TESTS


@pytest.mark.parametrize("tag", [
    ".BR timeout \" (5s)\"",
    ".BR blocked_after \" (10m)\"",
    ".BR debounce \" (0.003s)\"",
    ".BR reference \" (3.3)\"",
    ".BR horizontal_flip \" (false)\"",
    ".BR bitrate \" (2000000)\"",
    ".BR codec \" (h264)\"",
    ".B light_pin",
    ".B channels",
])
def test_the_manual_of_the_config_shows_a_default_as_it_is_written_there(manual, tag):
    assert f".TP\n{tag}\n" in manual


needs_man = pytest.mark.skipif(shutil.which("man") is None, reason="no man on this machine")


def shown_by_man(page: Path) -> str:
    """A manual page as a terminal of 80 columns shows it; a warning fails the test."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    shown = subprocess.run(
        ["man", "--warnings", "--local-file", page],
        env=environment, capture_output=True, text=True, check=True,
    )
    assert shown.stderr == ""
    return shown.stdout


@pytest.mark.process
@needs_man
def test_man_shows_the_manual_of_the_config_without_a_warning(manual, tmp_path):
    page = tmp_path / "beemon.toml.5"
    page.write_text(manual)
    drivers = shown_by_man(page).partition("\nDRIVERS\n")[2]
    assert not set("`\\") & set(drivers)
    assert max(map(len, drivers.splitlines())) <= 80


@pytest.mark.process
@needs_man
@pytest.mark.parametrize("page", ["beemon.1", "beemon-reasons.7", "beemon-protocol.7"])
def test_man_shows_the_other_manuals_without_a_warning(page):
    assert shown_by_man(PROJECT / "debian" / page)


@pytest.mark.parametrize(
    "page", [COMMAND, REASONS_PAGE, PROTOCOL], ids=["command", "reasons", "protocol"]
)
def test_no_sentence_of_a_manual_loses_its_spaces_in_a_line_of_two_fonts(page):
    assert re.findall(r'^\.(?:BR|RB|BI|IB|IR|RI) [^"\n]*\. [A-Z].*', page, re.MULTILINE) == []


def test_the_manual_of_the_config_has_every_known_chip_with_its_line(manual):
    rows = re.findall(r"^\S.*  (\S+).*  (dtoverlay=.+)$", manual.replace("\\-", "-"), re.MULTILINE)
    names = {name: "its" if chip.subsystem == "w1" else name for name, chip in CHIPS.items()}
    listed = {(device.partition(" ")[0], line) for device, line in rows}
    assert listed == {(names[name], chip.boot) for name, chip in CHIPS.items()}


def test_the_manual_of_the_command_has_every_word():
    tags = {re.sub(r"\\f[BIRP]", "", tag) for tag in re.findall(r"^\.TP\n(.*)$", COMMAND, re.M)}
    typed = [word for word in VOCABULARY.values() if word.name not in FOR_PROGRAMS]
    usages = {word.usage.replace("…", "...") for word in typed}
    assert usages <= tags
    assert {f".B {word}" for word in HERE} <= tags


def test_every_config_in_the_manual_is_good(manual, tmp_path):
    examples = re.findall(r"^\.nf\n(.*?)^\.fi", manual, re.MULTILINE | re.DOTALL)
    assert [problems(one.replace("\\-", "-"), tmp_path) for one in examples] == [[], []]
