"""The HTTP API by its document alone: no defect, and no reply that the document does not tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from beemon.web.roles import Role
from tests.hive import Hive
from tests.web import api

CASES = 500


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory):
    with Hive(tmp_path_factory.mktemp("hive")) as hive:
        for text in api.PREPARED:
            hive.do(text)
        yield hive


@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_each_reply_fits_the_document_and_none_is_a_defect(
    hive: Hive, tmp_path: Path, role: Role
) -> None:
    sent, problems = api.check(hive, tmp_path, CASES // 2, role)
    assert problems == ""
    assert sent >= CASES // 2
