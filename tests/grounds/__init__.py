"""Test grounds: what a test stands on when a plain process is not enough.

A test that needs one says so with ``@pytest.mark.ground("container")``; where this machine does
not have it, the test is skipped and the end of the run says why.
"""

from collections.abc import Callable

from tests.grounds import container

GROUNDS: dict[str, Callable[[], str | None]] = {"container": container.missing}
"""By name: what this machine lacks for it, or None."""
