"""The reply to `status` for a person: what it has besides the service's words."""

from __future__ import annotations

from pathlib import Path

from beemon.cli.health import page_hint


def test_the_way_to_the_page_of_this_machine_is_shown(tmp_path: Path) -> None:
    assert page_hint(tmp_path) == ""
    (tmp_path / "run/beemon-web").mkdir(parents=True)
    (tmp_path / "run/beemon-web.socket").touch()
    assert page_hint(tmp_path) == "`beemon page` shows its address"
    (tmp_path / "run/beemon-web/code").touch()
    assert "no password yet" in page_hint(tmp_path)
