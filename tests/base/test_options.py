"""Tables of options: what a value may be, and every problem told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beemon.base.options import BadOptionError, Problem, build, duration, option, size, suggestion


def upper(value):
    if not isinstance(value, str):
        raise BadOptionError(f"must be a text, not {value!r}")
    return value.upper()


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Settings as a driver has them."""

    name: str = option(doc="what it is called")
    gain: Literal[64, 128] = option(128)
    side: Literal["a", "b"] | None = option(None)
    offset: float = option(0.0, minimum=-10, maximum=10)
    rate: int = option(10, minimum=1)
    depth: int = option(3, maximum=24)
    invert: bool = option(False)
    unit: str = option("G", parse=upper)

    def __post_init__(self):
        if self.invert and self.offset:
            raise BadOptionError('"invert" and "offset" do not go together')


def place(name):
    return f"hive.toml:{name or 'table'}"


def built(**table):
    settings, problems = build(Scale, {"name": "left", **table}, place)
    assert problems == []
    return settings


def problems(given=None, **table):
    settings, found = build(Scale, {"name": "left", **table}, place, given=given)
    assert settings is None
    return [str(problem) for problem in found]


def test_what_the_table_leaves_out_has_its_default():
    assert built() == Scale(name="left")


def test_what_the_table_says_is_taken():
    table = {"gain": 64, "side": "b", "offset": -2.5, "rate": 80, "depth": -1, "invert": False}
    assert built(**table) == Scale(name="left", **table)


def test_a_parser_makes_the_value():
    assert built(unit="kg").unit == "KG"


def test_a_whole_number_serves_as_a_number():
    offset = built(offset=3).offset
    assert offset == 3.0
    assert isinstance(offset, float)


def test_all_problems_come_at_once_each_with_its_place():
    assert problems(colour="red", gain=32, rate=0, unit=5) == [
        'hive.toml:colour: unknown option "colour"; known: depth, gain, invert, name, offset, '
        "rate, side, unit",
        'hive.toml:gain: "gain" must be one of 64, 128, not 32',
        'hive.toml:rate: "rate" must be at least 1, not 0',
        'hive.toml:unit: "unit" must be a text, not 5',
    ]


def test_an_unknown_option_gets_the_nearest_known_one():
    assert problems(ofset=1) == [
        'hive.toml:ofset: unknown option "ofset"; did you mean "offset"?'
    ]


def test_a_missing_option_is_told_with_its_meaning():
    assert build(Scale, {}, place)[1] == [
        Problem("hive.toml:table", 'option "name" is missing: what it is called')
    ]


@pytest.mark.parametrize(("doc", "meaning"), [
    ("The place, such as ``ntfy://topic``. Only one", "the place, such as `ntfy://topic`"),
    ("GPIO pin", "GPIO pin"),
])
def test_a_meaning_of_the_manual_reads_well_in_a_message(doc, meaning):
    @dataclass(frozen=True, kw_only=True)
    class One:
        pin: int = option(doc=doc)

    assert str(build(One, {}, place)[1][0]).endswith(f"is missing: {meaning}")


def test_a_missing_option_without_a_meaning_is_told_too():
    @dataclass(frozen=True, kw_only=True)
    class Bare:
        pin: int = option()

    assert build(Bare, {}, place)[1] == [Problem("hive.toml:table", 'option "pin" is missing')]


def test_a_rule_between_options_is_told_at_the_table():
    assert problems(invert=True, offset=1) == [
        'hive.toml:table: "invert" and "offset" do not go together'
    ]


def test_what_the_caller_sets_is_no_option_of_the_table():
    settings, _ = build(Scale, {}, place, given={"name": "right"})
    assert settings.name == "right"
    assert problems(given={"name": "right"}) == [
        'hive.toml:name: unknown option "name"; known: depth, gain, invert, offset, rate, side, '
        "unit"
    ]


@pytest.mark.parametrize(
    ("option_name", "value", "right"),
    [
        ("name", 3, "must be a text in quotes, not 3"),
        ("rate", 1.0, "must be a whole number, not 1.0"),
        ("rate", True, "must be a whole number, not true"),
        ("rate", "10", 'must be a whole number, not "10"'),
        ("offset", "1", 'must be a number, not "1"'),
        ("offset", False, "must be a number, not false"),
        ("invert", 1, "must be true or false, not 1"),
        ("invert", [], "must be true or false, not []"),
        ("side", 1, 'must be one of "a", "b", not 1'),
        ("side", {}, 'must be one of "a", "b", not {}'),
        ("gain", 64.0, "must be one of 64, 128, not 64.0"),
        ("offset", 10.5, "must be between -10 and 10, not 10.5"),
        ("offset", float("nan"), "must be a number, not nan"),
        ("offset", float("inf"), "must be a number, not inf"),
        ("rate", -1, "must be at least 1, not -1"),
        ("depth", 25, "must be at most 24, not 25"),
    ],
)
def test_a_value_of_the_wrong_kind_or_size_is_told_what_is_right(option_name, value, right):
    assert problems(**{option_name: value}) == [f'hive.toml:{option_name}: "{option_name}" {right}']


def test_a_number_beyond_all_bounds_is_a_problem_like_any_other():
    [problem] = problems(offset=10**400)
    assert problem.startswith('hive.toml:offset: "offset" must be a number, not 1000')


TOML = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
NAMES = st.sampled_from(list(Scale.__dataclass_fields__)) | st.text(max_size=8)


@given(st.dictionaries(NAMES, TOML, max_size=5))
def test_any_table_gives_settings_or_problems(table):
    settings, found = build(Scale, table, place)
    assert (settings is None) == bool(found)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1.5h", 5400), ("1d", 86400), ("0s", 0)]
)
def test_a_duration_is_a_number_with_a_unit(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "value", ["", "5", "5 m", "m", "-5m", "5M", ".5h", "1h30m", "٣s", "5m\n", 5, None, True,
              "9" * 400 + "s"]
)
def test_anything_else_is_no_duration(value):
    with pytest.raises(BadOptionError, match='must be a duration such as "90s"'):
        duration(value)


def test_a_suggestion_is_the_nearest_word_or_all_of_them_or_nothing():
    assert suggestion("camra", ["sensor", "camera"]) == '; did you mean "camera"?'
    assert suggestion("x", ["sensor", "camera"]) == "; known: camera, sensor"
    assert suggestion("x", []) == ""


def test_a_problem_reads_as_its_place_and_what_is_wrong():
    assert str(Problem("beemon.toml:3", "no")) == "beemon.toml:3: no"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2GB", 2e9), ("1.5GB", 1.5e9), ("500MB", 5e8), ("0kB", 0), ("1TB", 1e12)],
)
def test_a_size_is_a_number_with_a_unit(text, expected):
    assert size(text) == expected


@pytest.mark.parametrize("value", ["2", "2 GB", "2gb", "-1MB", "MB", 2, 2.0, None, "2GiB", "١MB"])
def test_anything_else_is_no_size(value):
    with pytest.raises(BadOptionError, match='must be a size such as "500MB" or "2GB", not '):
        size(value)
