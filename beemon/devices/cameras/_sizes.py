"""Options for the size of a picture."""

from __future__ import annotations

from beemon.base.options import BadOptionError, in_toml


def even(value: object) -> int:
    """A picture's width or height: H.264 halves it for the colours."""
    if type(value) is not int or not 64 <= value <= 4096 or value % 2:
        raise BadOptionError(
            f"must be an even number of pixels from 64 to 4096, not {in_toml(value)}"
        )
    return value
