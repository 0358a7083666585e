"""Tests that run inside a guest with Debian's own kernel; tests/grounds has what boots it."""
