"""The cache: made once, bounded, and no hindrance where nothing can be written."""

from __future__ import annotations

import os

import pytest

from beemon.web.cache import Cache


def test_a_drawing_is_made_once(tmp_path):
    made = []
    cache = Cache(tmp_path / "c", 5)
    for _ in range(3):
        assert cache.get("a", lambda: made.append(1) or b"drawn") == b"drawn"
    assert made == [1]


def test_the_one_used_least_recently_is_forgotten(tmp_path):
    cache = Cache(tmp_path, 2)
    for age, name in ((20, "a"), (10, "b")):
        cache.get(name, lambda: b"x")
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    cache.get("a", lambda: b"y")
    cache.get("c", lambda: b"z")
    assert {file.name for file in tmp_path.iterdir()} == {"a", "c"}


def test_a_cache_that_cannot_be_written_is_none(tmp_path):
    (tmp_path / "file").write_text("")
    assert Cache(tmp_path / "file", 2).get("a", lambda: b"drawn") == b"drawn"


def test_nothing_is_kept_of_a_drawing_that_failed(tmp_path):
    def fail() -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError):
        Cache(tmp_path, 2).get("a", fail)
    assert list(tmp_path.iterdir()) == []
