"""What is written for people says what the code says."""

from __future__ import annotations

import dataclasses
import os
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from beemon.base.explanation import meanings
from beemon.base.outcomes import REASONS
from beemon.base.readings import QUALITIES
from beemon.checks.findings import FINDINGS
from beemon.cli.render import HERE
from beemon.config import settings as config
from beemon.devices import PACKAGES, drivers, load, module, settings_for
from beemon.devices._base import DeviceError, Measurement, SensorSettings
from beemon.devices.sensors._chips import CHIPS
from beemon.protocol.commands import VOCABULARY
from beemon.protocol.lines import ERRORS
from beemon.scale.steps import KINDS
from beemon.timing.schedule import Schedule
from tests.plugins import install

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text("utf-8")
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


TABLES = tables(README)


def table(*heading: str) -> list[Row]:
    assert heading in TABLES, f"the README has no table | {' | '.join(heading)} |"
    return TABLES[heading]


def words(cell: str) -> list[str]:
    """What a cell has between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def listed(*heading: str) -> dict[str, str]:
    return {words(row[0])[0]: row[1] for row in table(*heading)}


def test_the_readme_has_every_error_code_with_its_meaning():
    assert listed("code", "meaning") == meanings(ERRORS)


def test_the_readme_has_every_reason_with_its_meaning():
    assert listed("reason", "meaning") == meanings(REASONS)


def test_the_readme_has_every_quality_with_its_meaning():
    assert listed("quality", "meaning") == meanings(QUALITIES)


def test_the_readme_has_every_finding_with_its_meaning():
    assert listed("finding", "meaning") == meanings(FINDINGS)


def test_the_readme_has_every_step_of_a_weight_with_its_meaning():
    assert listed("step", "what it was") == KINDS


def test_the_readme_has_every_driver():
    listed = {
        (kind.strip(), driver)
        for kinds, driver_cell, _ in table("kind", "driver", "what it is for")
        for kind in kinds.split(",")
        for driver in words(driver_cell)
    }
    assert listed == {(kind, driver) for kind in PACKAGES for driver in drivers(kind)}


# The tour of the source

def toured() -> set[str]:
    """The paths in the tour; a bare name stands beside the one before it."""
    section = README.partition("### Tour of the source\n")[2]
    assert section, 'the README has no "Tour of the source"'
    found = set()
    for where, _ in tables(section)["where", "what"]:
        folder = ""
        for name in words(where):
            folder = name[: name.rfind("/") + 1] or folder
            found.add(name if "/" in name else f"{folder}{name}")
    return found


def test_the_tour_names_every_module_and_package():
    modules = {f"beemon/{path.name}" for path in (PROJECT / "beemon").glob("*.py")}
    inner = (PROJECT / "beemon").glob("*/__init__.py")
    packages = {f"beemon/{path.parent.name}/" for path in inner}
    assert (modules | packages) - {"beemon/__init__.py"} - toured() == set()


@pytest.mark.process
def test_the_tour_names_every_folder_at_the_top():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if tracked.returncode:
        pytest.skip("this is no git checkout")
    folders = {name.partition("/")[0] + "/" for name in tracked.stdout.split() if "/" in name}
    assert folders - {"beemon/"} - toured() == set()


def test_the_tour_leads_nowhere_else():
    assert {name for name in toured() if not (PROJECT / name).exists()} == set()


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


def test_the_driver_in_the_readme_works(tmp_path, monkeypatch):
    [source] = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    [group, point] = re.findall(r'^(\[project\.entry-points.*)\n(.*)', README, re.MULTILINE)[0]
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
        config.Weighing, Schedule,
    )
    for field in dataclasses.fields(settings)
} - {"place"}  # of a schedule, which [hive] gives
GIVEN = {field.name for field in dataclasses.fields(SensorSettings)}
FOR_TESTS = {
    "sysfs", "proc", "seed", "speed", "load_file",
    "fault", "fault_after", "fault_for", "fault_file",
}


@pytest.fixture(scope="module")
def manual() -> str:
    """The manual page of the config, as the package has it."""
    page: str = runpy.run_path(str(PROJECT / "scripts/driver_manual.py"))["fill"](PAGE.read_text())
    return page


def explained(manual: str) -> set[str]:
    """The options that have a paragraph of their own."""
    tags = re.findall(r"^\.TP\n\.BR? (.*)$", manual, re.MULTILINE)
    return {
        word
        for tag in tags
        for word in re.findall(r"[a-z_]+", re.sub(r'"[^"]*"|\[.*', " ", tag))
    }


def test_the_manual_of_the_config_explains_every_option_and_no_other(manual):
    general = manual.partition(".SH DRIVERS\n")[0]
    assert explained(general) == OPTIONS | {"driver"} | GIVEN - {"name"}  # what every device has


def test_the_manual_of_the_config_explains_every_option_of_every_driver_and_no_other(manual):
    parts = re.split(r"^\.S[SH] (.*)\n", manual.partition(".SH DRIVERS\n")[2], flags=re.MULTILINE)
    found = dict(zip(parts[1::2], map(explained, parts[2::2]), strict=True))
    del found["SEE ALSO"]
    found["sensor: hx711"].remove("samples")  # which are others by default
    assert found == {
        f"{kind}: {driver}": {f.name for f in dataclasses.fields(module(kind, driver).Settings)}
        - GIVEN - FOR_TESTS
        for kind in PACKAGES
        for driver in drivers(kind)
    }


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


@pytest.mark.process
@pytest.mark.skipif(shutil.which("man") is None, reason="no man on this machine")
def test_man_shows_the_manual_of_the_config_without_a_warning(manual, tmp_path):
    page = tmp_path / "beemon.toml.5"
    page.write_text(manual)
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    shown = subprocess.run(
        ["man", "--warnings", "--local-file", page],
        env=environment, capture_output=True, text=True, check=True,
    )
    assert shown.stderr == ""
    drivers = shown.stdout.partition("\nDRIVERS\n")[2]
    assert not set("`\\") & set(drivers)
    assert max(map(len, drivers.splitlines())) <= 80


def test_the_manual_of_the_config_has_every_known_chip_with_its_line(manual):
    rows = re.findall(r"^\S.*  (\S+).*  (dtoverlay=.+)$", manual.replace("\\-", "-"), re.MULTILINE)
    names = {name: "its" if chip.subsystem == "w1" else name for name, chip in CHIPS.items()}
    listed = {(device.partition(" ")[0], line) for device, line in rows}
    assert listed == {(names[name], chip.boot) for name, chip in CHIPS.items()}


def test_the_manual_of_the_command_has_every_word():
    manual = (PROJECT / "debian/beemon.1").read_text("utf-8")
    tags = {re.sub(r"\\f[BIRP]", "", tag) for tag in re.findall(r"^\.TP\n(.*)$", manual, re.M)}
    usages = {w.usage.replace("…", "...") for w in VOCABULARY.values() if w.name != "auth"}
    assert usages <= tags
    assert {f".B {word}" for word in HERE} <= tags


def test_the_config_in_the_manual_is_good(manual, tmp_path):
    [example] = re.findall(r"^\.nf\n(.*?)^\.fi", manual, re.MULTILINE | re.DOTALL)
    assert problems(example.replace("\\-", "-"), tmp_path) == []
