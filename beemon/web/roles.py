"""Roles: the rights of a request."""

from __future__ import annotations

import enum


class Role(enum.IntEnum):
    """The rights of a request; each role includes those before it."""

    NOBODY = 0
    """Without credentials: the page itself, which shows nothing then, and logging in."""
    VIEWER = 1
    """Numbers and charts: no sound, no picture, no position, no button."""
    OWNER = 2
