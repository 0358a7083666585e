"""The files of the page: their words, their size, and nothing that a browser must not load."""

from __future__ import annotations

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from beemon.base import outcomes, readings, status
from beemon.base.clock import Quality
from beemon.ledger import events, starts
from beemon.scale import steps
from tests.page.shrunk import CATALOGUES, SCRIPTS, STATIC, VENDOR, compressed, shrunk

PROJECT = Path(__file__).parents[2]
MOST_BYTES = 60_000
HTML = (STATIC / "index.html").read_text("utf-8")
CODE = {file.name: file.read_text("utf-8") for file in SCRIPTS}
TEXTS = [*SCRIPTS, *CATALOGUES, *(STATIC / name for name in ("index.html", "page.css", "icon.svg"))]
ENGLISH: dict[str, str] = json.loads((STATIC / "words/en.json").read_text("utf-8"))
KEY = re.compile(r'"([a-z]+(?:\.[a-z]+)+)"')
GROUP = re.compile(r'\bknown\("([a-z]+)"|word\(`([a-z]+)\.\$')
DANGERS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextual"
)


class Elements(HTMLParser):
    """The texts of a page, and its elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


PAGE = Elements(HTML)


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_every_language_has_every_text_with_its_placeholders(file):
    texts = json.loads(file.read_text("utf-8"))
    assert list(texts) == list(ENGLISH)
    assert [key for key, text in texts.items() if not text.strip()] == []
    placeholders = {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in texts.items()}
    assert placeholders == {
        key: sorted(re.findall(r"\{\w+\}", text)) for key, text in ENGLISH.items()
    }


def test_the_four_languages_are_there_and_differ():
    assert [file.stem for file in CATALOGUES] == ["de", "en", "es", "fr"]
    others = [json.loads(file.read_text("utf-8")) for file in CATALOGUES if file.stem != "en"]
    same = [key for key, text in ENGLISH.items() if all(one[key] == text for one in others)]
    assert same == []


def test_every_text_that_the_page_uses_is_in_the_catalogue():
    used = {key for text in CODE.values() for key in KEY.findall(text) if "." in key}
    used |= {value for _, each in PAGE.elements if (value := each.get("data-word"))}
    assert {key for key in used if key.split(".")[0] in groups() and key not in ENGLISH} == set()


def test_every_text_of_the_catalogue_is_used():
    code = "".join(CODE.values()) + HTML
    whole = {a or b for a, b in GROUP.findall(code)}
    lost = [key for key in ENGLISH if f'"{key}"' not in code and key.split(".")[0] not in whole]
    assert lost == []


def groups() -> set[str]:
    return {key.split(".")[0] for key in ENGLISH}


@pytest.mark.parametrize(("group", "words"), [
    ("reason", outcomes.REASONS),
    ("state", status.DEVICE_STATES),
    ("stage", status.POWER_STAGES),
    ("quality", [word for word in readings.QUALITIES if word != "good"]),
    ("step", steps.KINDS),
    ("clock", [quality for quality in Quality if quality in ("synchronised", "told", "rtc")]),
    ("start", [starts.FIRST, starts.STOP, starts.REBOOT, starts.UPGRADE, *starts.UNPLANNED]),
    ("kind", [starts.KIND, events.HALT]),
])
def test_every_word_of_beemon_has_a_text(group, words):
    assert [word for word in words if f"{group}.{word}" not in ENGLISH] == []
    assert len(list(words)) > 0


def test_no_text_stands_in_the_page_alone():
    assert set(PAGE.texts) == {"beemon", "beemon: JavaScript"}
    shown = [
        value for _, each in PAGE.elements for name, value in each.items()
        if name in ("aria-label", "title", "placeholder", "alt") and value
    ]
    assert shown == []


@pytest.mark.parametrize("name", CODE)
def test_no_text_stands_in_the_code_alone(name):
    strings = re.findall(r'"([^"\n]*)"|`([^`]*)`', shrunk(STATIC / name))
    texts = [a or re.sub(r"\$\{[^}]*\}", "", b) for a, b in strings]
    assert [text for text in texts if re.search(r"\b[A-Z][a-z]+ [a-z]+|[a-z]{2,}\. ", text)] == []


def test_nothing_stands_inline_that_the_content_policy_forbids():
    for tag, each in PAGE.elements:
        assert not [name for name in each if name.startswith("on") or name == "style"], tag
        assert tag != "style"
        assert tag != "script" or each.get("src")


def test_everything_comes_from_the_hive_itself():
    addresses = [each.get("src") or each.get("href") for _, each in PAGE.elements]
    assert all(re.match(r"static/|#", one) for one in addresses if one)
    outside = re.compile(r"https?:|[\"'`]/|@import|url\(")
    texts = CODE | {"page.css": (STATIC / "page.css").read_text("utf-8")}
    assert [name for name, text in texts.items() if outside.search(text)] == []


@pytest.mark.parametrize("name", CODE)
def test_what_comes_from_the_hive_is_set_as_text(name):
    assert DANGERS.findall(CODE[name]) == []


def test_every_module_is_loaded_ahead():
    loaded = {each["href"] for tag, each in PAGE.elements if each.get("rel") == "modulepreload"}
    assert loaded == {f"static/{name}" for name in CODE if name != "main.js"}


def test_the_page_looks_for_no_element_that_is_not_there():
    there = {value for _, each in PAGE.elements if (value := each.get("id"))}
    finds = re.compile(r'\b(?:find|body)\("([^"]+)"\)')
    asked = {name for text in CODE.values() for name in finds.findall(text)}
    assert asked - there == {"time"}  # the clock makes it


@pytest.mark.process
@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_the_package_shrinks_a_file_as_the_tests_do(file):
    sed = ["sed", "-E", "-f", PROJECT / "debian/page.sed", file]
    assert subprocess.run(sed, capture_output=True, text=True, check=True).stdout == shrunk(file)


def literals(code: str) -> list[str]:
    """The texts of a script: those between quotation marks, and the pieces of its templates."""
    found, within = [], []
    for token in re.findall(r'\\.|`|\$\{|\{|\}|"[^"\n]*"|[^`${}"\\]+|.', code, re.DOTALL):
        if within[-1:] == ["`"] or token.startswith('"'):
            found.append(token)
        if token in ("${", "{") or (token == "`" and within[-1:] != ["`"]):
            within.append(token)
        elif token == "}" or token == "`":
            within.pop()
    return found


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_no_text_changes_when_a_file_is_shrunk(file):
    comment = re.compile(r" *(//|/\*|\*)")
    lines = file.read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not comment.match(line))
    assert literals(shrunk(file)) == literals(text) != []


def test_every_rule_of_the_style_is_in_the_package():
    styles = STATIC / "page.css"
    assert shrunk(styles).count("{") == styles.read_text("utf-8").count("{")


def test_a_text_that_changes_is_noticed():
    code = "a = `${b} = ${f({ c: `in ; out` })}`"
    assert literals(code) == ["${", " = ", "${", "in ; out", "`", "`"]


@pytest.mark.ground("browser")
def test_the_whole_page_is_under_60_kb_in_every_language():
    parts = [STATIC / "index.html", STATIC / "icon.svg", STATIC / "page.css", *SCRIPTS]
    sizes = {file.name: compressed(shrunk(file)) for file in parts}
    sizes["uPlot"] = compressed(VENDOR.read_text("utf-8"))
    words = max(compressed(shrunk(file)) for file in CATALOGUES)
    assert sum(sizes.values()) + words < MOST_BYTES, (sizes, words)
