"""Mutants of the rules: each has one small mistake, which the tests of its rule must find.

A comparison is turned round, `and` and `or` are exchanged, a sum becomes a difference, a `not` is
left out, or a bound is a third larger.

    python3 -m scripts.insight.mutants [--each N] [RULE ...]
"""

from __future__ import annotations

import argparse
import ast
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
RULES = PROJECT / "beemon/insights"
TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.Gt, ast.Gt: ast.Lt, ast.GtE: ast.Lt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}
EXCHANGED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
LARGER = 4 / 3
NO_BOUNDS = {"VERSION", "RULE", "NAME", "NAMES"}
"""Constants whose value changes no finding."""


class Mutant(NamedTuple):
    """A rule with one mistake: its file's name, the line, the mistake, and the whole text."""

    rule: str
    line: int
    mistake: str
    text: str


def mutants(rule: str, source: str) -> list[Mutant]:
    """Every mutant of a rule's source."""
    count = len([*_mistakes(ast.parse(source))])
    return [_mutant(rule, source, number) for number in range(count)]


def _mutant(rule: str, source: str, number: int) -> Mutant:
    tree = ast.parse(source)
    node, mistake, make = [*_mistakes(tree)][number]
    make()
    return Mutant(rule, node.lineno, mistake, ast.unparse(tree))


def _mistakes(tree: ast.Module) -> Iterator[tuple[ast.expr, str, Callable[[], None]]]:
    """Each place for a mistake, and the function that makes it."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            yield from _larger(statement)
        for node in ast.walk(statement):
            if isinstance(node, ast.Compare) and type(node.ops[0]) in TURNED:
                turned = TURNED[type(node.ops[0])]()
                yield node, f"{ast.unparse(node)} turned round", _setter(node.ops, 0, turned)
            elif isinstance(node, ast.BoolOp):
                other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
                yield node, f"{ast.unparse(node)} with the other word", _attribute(node, other)
            elif isinstance(node, ast.BinOp) and type(node.op) in EXCHANGED \
                    and not isinstance(statement, ast.Assign | ast.AnnAssign):
                other = EXCHANGED[type(node.op)]()
                yield node, f"{ast.unparse(node)} with another sign", _attribute(node, other)
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                twice = ast.UnaryOp(ast.Not(), node.operand)
                yield node, f"{ast.unparse(node)} without its not", _attribute(
                    node, twice, "operand"
                )


def _larger(statement: ast.Assign | ast.AnnAssign) -> Iterator[
    tuple[ast.expr, str, Callable[[], None]]
]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    names = {node.id for one in targets for node in ast.walk(one) if isinstance(node, ast.Name)}
    if names & NO_BOUNDS or not all(name.isupper() for name in names):
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value:
            larger = node.value + 1 if type(node.value) is int else node.value * LARGER
            yield node, f"{ast.unparse(statement)} with {larger:g}", _value(node, larger)


def _setter(found: list[ast.cmpop], index: int, new: ast.cmpop) -> Callable[[], None]:
    return lambda: found.__setitem__(index, new)


def _attribute(node: ast.expr, new: ast.AST, name: str = "op") -> Callable[[], None]:
    return lambda: setattr(node, name, new)


def _value(node: ast.Constant, new: float) -> Callable[[], None]:
    return lambda: setattr(node, "value", new)


def rules() -> list[str]:
    """The rules with tests of their own."""
    return sorted(
        file.stem for file in RULES.glob("*.py")
        if (PROJECT / f"tests/insights/test_{file.stem}.py").exists()
    )


def survivors(chosen: Sequence[Mutant]) -> list[Mutant]:
    """The mutants that the tests of their rules do not find."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.insight.mutating"], input=pickle.dumps(list(chosen)),
        cwd=PROJECT, stdout=subprocess.PIPE, check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    return [chosen[int(number)] for number in done.stdout.split()]


def choose(each: int, names: Sequence[str]) -> list[Mutant]:
    """``each`` mutants of each rule, or all of a rule that has fewer.

    They stay the same if another line of the rule is changed.
    """
    texts = {name: (RULES / f"{name}.py").read_text("utf-8") for name in names}
    return [one for name in names for one in sorted(mutants(name, texts[name]), key=_hash)[:each]]


def _hash(one: Mutant) -> bytes:
    return sha256(f"{one.rule} {one.mistake}".encode()).digest()


def main() -> None:
    """Print the number of mutants that were found, and the others."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--each", type=int, default=10, metavar="N", help="mutants of each rule")
    parser.add_argument("rules", nargs="*", help="the rules (default: all)")
    given = parser.parse_args()
    chosen = choose(given.each, given.rules or rules())
    left = survivors(chosen)
    print(f"{len(chosen) - len(left)} of {len(chosen)} mutants were found by the tests")
    for one in left:
        print(f"  not found: {one.rule}, line {one.line}: {one.mistake}")


if __name__ == "__main__":
    main()
