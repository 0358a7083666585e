"""Quoting: the words of a stranger in a message or a log."""

from __future__ import annotations


def shown(text: str, limit: int = 40) -> str:
    """A client's words, escaped and shortened for a message or a log."""
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return escaped if len(escaped) <= limit else escaped[: limit - 1] + "…"
