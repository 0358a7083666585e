"""Options that take a list of words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from beemon.base.options import BadOptionError, in_toml, suggestion


def words(value: object) -> tuple[str, ...]:
    """A list of texts, none of them twice."""
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise BadOptionError(f"must be a list of texts, not {in_toml(value)}")
    if len(set(value)) < len(value):
        raise BadOptionError(f"names one thing twice: {in_toml(value)}")
    return tuple(value)


def some_of(known: Iterable[str]) -> Callable[[object], tuple[str, ...]]:
    """A parser for a list of at least one of the known words."""
    choices = tuple(known)

    def parse(value: object) -> tuple[str, ...]:
        chosen = words(value)
        if not chosen:
            raise BadOptionError(f"must name at least one of {', '.join(choices)}")
        for word in chosen:
            if word not in choices:
                raise BadOptionError(f'does not know "{word}"{suggestion(word, choices)}')
        return chosen

    return parse
