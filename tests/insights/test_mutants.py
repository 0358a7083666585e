"""The tests of the rules find mistakes in them: mutants of `scripts/insight/mutants.py`."""

from __future__ import annotations

import ast

import pytest

from scripts.insight.mutants import RULES, choose, mutants, rules, survivors

SOURCE = '''
LEAST = 3.0
VERSION = 1
def rule(a, b):
    return not a < LEAST and b - 1 in (a, b)
'''


def test_each_mutant_has_one_mistake():
    made = mutants("rule", SOURCE)
    assert [one.mistake for one in made] == [
        "LEAST = 3.0 with 4",
        "not a < LEAST and b - 1 in (a, b) with the other word",
        "not a < LEAST without its not",
        "b - 1 in (a, b) turned round",
        "a < LEAST turned round",
        "b - 1 with another sign",
    ]
    assert len({one.text for one in made} | {ast.unparse(ast.parse(SOURCE))}) == len(made) + 1


def test_every_rule_has_mutants():
    assert {"nest", "heat"} <= set(rules())
    for name in ("nest", "heat"):
        assert len(mutants(name, (RULES / f"{name}.py").read_text("utf-8"))) >= 10


@pytest.mark.process
@pytest.mark.timeout(1800)  # of a machine that has much else to do; by itself it takes 15 s
def test_a_mutant_of_each_rule_is_found_and_a_rule_without_a_mistake_is_not():
    wrong = choose(1, rules())
    right = wrong[0]._replace(text=(RULES / f"{wrong[0].rule}.py").read_text("utf-8"))
    assert len(wrong) >= 10
    assert survivors([*wrong, right]) == [right]


@pytest.mark.long
@pytest.mark.process
@pytest.mark.timeout(3600)
def test_ten_mutants_of_each_rule_are_found():
    assert survivors(choose(10, rules())) == []
