"""Runs the tests of mutants, each in a fork of one process that has loaded everything else.

It reads a list of mutants (pickled) from its standard input, and prints the places in it of those
that the tests do not find.
"""

from __future__ import annotations

import os
import pickle
import resource
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType

import pytest

from scripts.insight.mutants import PROJECT, RULES, Mutant

LOADED = (
    "hypothesis.strategies", "hypothesis.extra.pytestplugin", "beemon.base.finding",
    "beemon.config.settings", "beemon.ledger.finding_days", "beemon.scale.watch", "tests.conftest",
    "tests.test_words",
)
"""What the tests of the rules import beside the rules: loaded once."""
LONGEST = 120
"""The processor time for the tests of a mutant in seconds; one that never ends is found."""
FOUND = {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}
"""The codes of pytest for a failed test, and for a module that cannot be imported."""


class _Loader(SourceFileLoader):
    """Loads a rule with its mistake."""

    def __init__(self, one: Mutant, name: str, path: str) -> None:
        super().__init__(name, path)
        self._text = one.text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.get_filename(fullname), "exec", dont_inherit=True)


class _Finder:
    """Finds the mutant in the place of its rule."""

    def __init__(self, one: Mutant) -> None:
        self._one = one

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """The mutant's module, for an ``import`` of its rule."""
        if name != f"beemon.insights.{self._one.rule}":
            return None
        file = str(RULES / f"{self._one.rule}.py")
        return spec_from_file_location(name, file, loader=_Loader(self._one, name, file))


def main() -> None:
    """Print the places of the mutants that survive."""
    mutants: list[Mutant] = pickle.load(sys.stdin.buffer)
    os.chdir(PROJECT)
    for name in LOADED:
        import_module(name)
    assert not any(name.startswith("beemon.insights.") for name in sys.modules)
    for number, one in enumerate(mutants):
        if _survives(one):
            print(number, flush=True)


def _survives(one: Mutant) -> bool:
    child = os.fork()
    if not child:
        os._exit(_test(one))
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return False
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, *FOUND):
        raise RuntimeError(f"the tests of {one.rule} end with {code}")
    return code == 0


def _test(one: Mutant) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.meta_path.insert(0, _Finder(one))
    tests = (f"tests/insights/test_{name}.py" for name in (one.rule, "sheet"))
    return int(pytest.main([
        "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0",
        "--hypothesis-seed=1", *tests,
    ]))


if __name__ == "__main__":
    main()
