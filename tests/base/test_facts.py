"""Facts: what travels as a JSON object, and what comes back out of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

import pytest

from beemon.base.facts import (
    INLINE,
    KEPT,
    BadFactsError,
    Json,
    from_json,
    members,
    names,
    to_json,
    type_name,
)


class Mood(StrEnum):
    CALM = "calm"
    CROSS = "cross"


@dataclass(frozen=True)
class Sting:
    where: Annotated[str | None, "the part of the beekeeper"] = None
    depth: Annotated[float | None, "how deep, in millimetres"] = None


@dataclass(frozen=True)
class Hive:
    name: Annotated[str, "what it is called"]
    age_seconds: Annotated[float | None, "since it was built", KEPT]
    mood: Annotated[Mood, "how its bees are"] = Mood.CALM
    from_: Annotated[str | None, "where it came from"] = None
    stings: Annotated[tuple[Sting, ...], "those of today"] = ()
    frames: Annotated[Mapping[int, str], "what is on each"] = field(default_factory=dict)
    latest: Annotated[Sting, "the last one", INLINE] = Sting()
    more: Annotated[Mapping[str, Json], "what else is known", INLINE] = field(default_factory=dict)
    swarms: Annotated[Mapping[str, Json] | None, "those of this year"] = None


def test_what_is_none_is_left_out_unless_it_is_kept():
    assert to_json(Hive("oak", None)) == {
        "name": "oak", "age_seconds": None, "mood": "calm", "stings": [], "frames": {},
    }


def test_facts_come_back_as_they_were_sent():
    hive = Hive(
        "oak", 3.5, Mood.CROSS, "a tree", (Sting("nose", 1.5),), {2: "honey"},
        Sting("hand"), {"queen": "blue"},
    )
    told = to_json(hive)
    assert told["from"] == "a tree"
    assert told["where"] == "hand"
    assert told["queen"] == "blue"
    assert from_json(Hive, json.loads(json.dumps(told))) == hive


@pytest.mark.parametrize(("wrong", "says"), [
    ({"age_seconds": 1.0}, '"name" is missing'),
    ({"name": 5}, '"name" is 5, which is no text'),
    ({"name": "oak", "age_seconds": True}, '"age_seconds" is True, which is no number or null'),
    ({"name": "oak", "mood": "glad"}, "\"mood\" is 'glad', which is no one of calm, cross"),
    ({"name": "oak", "stings": [{"depth": "x"}]}, "\"depth\" is 'x', which is no number or null"),
    ({"name": "oak", "frames": {"2": 7}}, '"frames.2" is 7, which is no text'),
])
def test_what_is_not_as_the_class_says_is_named(wrong, says):
    with pytest.raises(BadFactsError) as raised:
        from_json(Hive, {"age_seconds": None, **wrong})
    assert str(raised.value) == says


def test_what_json_cannot_hold_does_not_travel():
    with pytest.raises(TypeError, match="cannot travel"):
        to_json(Sting(b"nose"))


def test_a_class_tells_its_members_and_their_meaning():
    assert [member.name for member in members(Hive)][:4] == ["name", "age_seconds", "mood", "from"]
    assert members(Sting)[1].says == "how deep, in millimetres"
    assert [name for member in members(Hive)[-3:-1] for name in names(member)] == ["where", "depth"]


@pytest.mark.parametrize(("hint", "told"), [
    (float | None, "number or null"),
    (tuple[Sting, ...], "list of sting"),
    (Mapping[str, int], "object of whole number by name"),
    (Literal["on", "off"], "one of on, off"),
    (Mood, "one of calm, cross"),
])
def test_types_have_names_for_people(hint, told):
    assert type_name(hint) == told


def test_a_member_of_the_others_never_takes_the_place_of_a_known_one():
    assert to_json(Hive("oak", None, more={"name": "elm", "queen": "blue"}))["name"] == "oak"


@pytest.mark.parametrize("value", [1, [[1]], {"a": {"b": {"c": [{"d": None}]}}}, [{"a": [2.5]}]])
def test_a_value_of_any_depth_comes_back(value):
    hive = Hive("oak", None, swarms={"first": value})
    again = from_json(Hive, json.loads(json.dumps(to_json(hive))))
    assert json.dumps(again.swarms["first"]) == json.dumps(value)


@dataclass(frozen=True)
class Visit:
    number: Annotated[int, "its number"]
    sting: Annotated[Sting, "a sting on it", INLINE] = Sting()
    hive: Annotated[Others, "what was seen", INLINE] = field(default_factory=lambda: Others())


@dataclass(frozen=True)
class Others:
    honey: Annotated[float | None, "in kilograms"] = None
    more: Annotated[Mapping[str, Json], "what else is known", INLINE] = field(default_factory=dict)


def test_an_optional_member_that_is_wrong_is_kept_among_the_others():
    told = {"number": 1, "depth": "deep", "where": "hand", "honey": "much", "queen": "blue"}
    visit = from_json(Visit, told)
    assert visit.sting == Sting("hand")
    assert visit.hive == Others(more={"depth": "deep", "honey": "much", "queen": "blue"})
    assert to_json(visit) == told
    with pytest.raises(BadFactsError, match='"number" is'):
        from_json(Visit, {**told, "number": "one"})
