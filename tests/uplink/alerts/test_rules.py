"""The table [alerts]: rules, and every mistake of them at once."""

from __future__ import annotations

import re
import tomllib
from datetime import time
from pathlib import Path

import pytest

import beemon
from beemon.base.finding import KINDS as FINDINGS
from beemon.config import settings as config
from beemon.scale import steps
from beemon.uplink.destinations.alerts import rules, texts
from beemon.uplink.destinations.alerts.rules import (
    AbsenceRule,
    ChangeRule,
    EventRule,
    FindingRule,
    Series,
    StateRule,
    ValueRule,
)
from beemon.uplink.destinations.alerts.settings import build_alerts

DEVICES = ("sensor.scale", "sensor.brood", "camera.entrance")
HEAD = 'urls_file = "/etc/beemon/alerts"\n'


def built(text, devices=DEVICES):
    return build_alerts(tomllib.loads(HEAD + text), lambda *key: ".".join(key), devices)


def rule(text):
    alerts, problems = built(f"defaults = false\n[rules.one]\n{text}")
    assert problems == []
    return alerts.rules["one"]


def mistakes(text):
    _, problems = built(text)
    return [str(problem) for problem in problems]


def test_each_kind_of_rule_is_known_by_its_first_option():
    assert isinstance(rule('reading = "sensor.scale weight"\nbelow = 1\nuntil = 2'), ValueRule)
    assert isinstance(rule('reading = "* weight"\nfalls = 500\nwithin = "6h"'), ChangeRule)
    assert isinstance(rule('event = "swarm"\ngrams = 1400'), EventRule)
    assert isinstance(rule('finding = "no-heat"'), FindingRule)
    assert isinstance(rule('state = "degraded"'), StateRule)
    assert isinstance(rule('absent = "sensor.scale weight"\nafter = "30m"'), AbsenceRule)


def test_a_rule_has_hold_settle_cooldown_months_and_urgency():
    found = rule(
        'absent = "job"\nsince = "06:00"\nafter = "1h"\nhold = "5m"\nsettle = "10m"\n'
        'cooldown = "2h"\nurgent = true\nmonths = [4, 5]\ntitle = "Nobody home"'
    )
    assert (found.hold, found.settle, found.cooldown) == (300, 600, 7200)
    assert (found.urgent, found.months, found.since) == (True, (4, 5), time(6))


def test_every_mistake_is_found_at_once_with_its_place():
    found = mistakes("""
        quiet = "25:00-06:00"
        digest = "Someday 07:00"
        nest = "sensor.broood temperature"
        [rules.a]
        reading = "sensor.scale weight"
        below = 20000
        until = 19000
        [rules.b]
        event = "swarn"
        [rules.c]
        reading = "sensor.scael weight"
        falls = 500
        [rules.d]
        state = "degrded"
        [rules.e]
        absent = "sensor.scale weight"
        hold = "long"
        months = [0, 4]
        hodl = "5m"
        [rules.f]
        reading = "sensor.scale weight"
        event = "swarm"
        [rules.g]
        [rules.H]
        [rules.i]
        state = "given-up"
        device = "sensor.scael"
        [rules.j]
        event = "clock"
        grams = 5
    """)
    expected = [
        "rules.a.until: \"until\" must be greater than \"below\", 20000",
        "rules.b.event: ", 'did you mean "swarm"?',
        "rules.c: needs \"within\"", "rules.c.reading: there is no device \"sensor.scael\"",
        "rules.d.state: ", 'did you mean "degraded"?',
        "rules.e.hold: ", "rules.e.months: ", "rules.e.hodl: unknown option",
        "rules.f.event: a rule watches one thing", "rules.g: a rule needs one of",
        'rules.H: "H" is not a name', "rules.i.device: there is no device",
        "rules.j.grams: ", "quiet: ", "digest: ",
    ]
    for text in expected:
        assert any(text in one for one in found), text


@pytest.mark.parametrize(("text", "said"), [
    ('reading = "sensor.scale weight"', 'needs "below" or "above"'),
    ('reading = "sensor.scale weight"\nbelow = 1', 'needs "until"'),
    ('reading = "sensor.scale weight"\nbelow = 1\nabove = 2\nuntil = 1', "make two rules"),
    ('reading = "sensor.scale weight"\nfalls = 1\nrises = 2\nwithin = "1h"', "make two rules"),
    ('reading = "sensor.scale weight"\nwithin = "1h"', 'needs "falls" or "rises"'),
    ('reading = "sensor.scale weight"\nfalls = 5\nuntil = 6\nwithin = "1h"',
     "less than the change"),
    ('reading = "sensor.scale"\nbelow = 1\nuntil = 2', "a sensor and its quantity"),
    ('absent = "everything"', '"data", "job", "service"'),
    ('absent = "* weight"', '"data", "job", "service"'),
    ('state = "healthy"', "no state of the service"),
    ('finding = "no-heet"', 'no-heet"; did you mean "no-heat"?'),
    ('finding = "no-heat"\nevent = "swarm"', "a rule watches one thing"),
    ('state = "trouble"\ndevice = "brood"', 'a device such as "sensor.scale"'),
])
def test_a_mistake_says_what_would_be_right(text, said):
    found = mistakes(f"[rules.one]\n{text}")
    assert any(said in one for one in found), found


def test_a_mistake_in_one_rule_leaves_the_others_in_force():
    alerts, problems = built('[rules.a]\nevent = "swarn"\n[rules.b]\nevent = "swarm"')
    assert alerts.rules.keys() >= {"b", "no-data"}
    assert "a" not in alerts.rules
    assert alerts.left_out == tuple(map(str, problems))


def test_a_mistake_outside_of_the_rules_is_no_settings():
    alerts, problems = built('quiet = "never"\n[rules.b]\nevent = "swarm"')
    assert alerts is None
    assert problems


def test_the_nest_is_a_device_of_the_config():
    assert mistakes('nest = "sensor.broood temperature"') == [
        'nest: there is no device "sensor.broood"; did you mean "sensor.brood"?'
    ]


def test_the_default_rules_stand_beside_those_of_the_config():
    alerts, _ = built('[rules.swarm]\nevent = "swarm"\ngrams = 700')
    assert alerts.rules["swarm"].grams == 700
    assert {"no-data", "no-service", "degraded", "weight-loss", "no-heat"} <= alerts.rules.keys()
    assert "nest-hot" not in alerts.rules


def test_the_default_rules_name_findings_that_there_are():
    alerts, _ = built("")
    named = {rule.finding for rule in alerts.rules.values() if isinstance(rule, FindingRule)}
    assert named == {"swarm", "lighter", "tipped", "no-heat"}
    assert named <= FINDINGS.keys()


def test_the_default_rules_about_the_nest_need_its_sensor():
    alerts, _ = built('nest = "sensor.brood temperature"')
    assert alerts.rules["nest-hot"].above == 38
    assert alerts.rules["nest-cold"].reading == Series("sensor.brood", "temperature")


def test_without_defaults_there_are_the_own_rules_alone():
    alerts, _ = built('defaults = false\n[rules.x]\nevent = "swarm"')
    assert [*alerts.rules] == ["x"]


@pytest.mark.parametrize(("text", "said"), [
    ('reading = "sensor.brood temperature"\nabove = 38\nuntil = 37',
     "sensor.brood temperature is above 38"),
    ('reading = "* weight"\nfalls = 500\nwithin = "6h"',
     "the weight of any sensor falls by 500 within 6 h"),
    ('event = "swarm"\ngrams = 1400', "the event swarm of at least 1.40 kg happens"),
    ('finding = "no-heat"', "there is a finding of the kind no-heat"),
    ('state = "trouble"\ndevice = "*"', "a device is in trouble"),
    ('absent = "job"\nafter = "90m"\nsince = "06:00"',
     "no scheduled job is done for 1 h 30 min, counted from 06:00"),
    ('absent = "camera.entrance"', "there is no job by camera.entrance for 30 min"),
])
def test_a_rule_in_words(text, said):
    assert texts.condition(rule(text)) == said


def test_the_kinds_of_events_are_those_that_beemon_enters():
    source = Path(beemon.__file__).parent
    found = set()
    for file in source.rglob("*.py"):
        text = file.read_text("utf-8")
        if "events.enter(" in text or "ledger.enter" in text:
            found |= set(re.findall(r'events\.enter\(\s*\w+, "([a-z-]+)"', text))
            found |= set(re.findall(r'^(?:KIND|HALT) = "([a-z-]+)"$', text, re.MULTILINE))
    assert found - {"alert"} <= set(rules.EVENTS)


def test_the_steps_of_a_scale_are_those_that_beemon_finds():
    assert set(rules.STEPS) == set(steps.KINDS)


def test_the_kinds_of_devices_are_those_of_the_config():
    assert rules.KINDS == config.KINDS
