"""Ping: calls an address while the hive works, so that its owner is warned when the calls stop.

The form is that of healthchecks.io: a request to the address means that all is well, and one to
``/fail`` below it tells a problem.
"""

from __future__ import annotations

from beemon.base.moments import US_PER_MINUTE
from beemon.uplink import web_client
from beemon.uplink.contract import NotDeliveredError
from beemon.uplink.destinations.alerts.memory import Memory
from beemon.uplink.destinations.alerts.seen import Now

_SECONDS = 10.0
_AGAIN_US = US_PER_MINUTE


class Ping:
    """The calls to one address. ``trouble`` says why the last one was not answered."""

    def __init__(self, url: str, interval: float, memory: Memory) -> None:
        self._url = url
        self._interval_us = round(interval * 1e6)
        self._memory = memory
        self._tried_us: int | None = None
        self.trouble: str | None = None

    def call(self, now: Now, problem: str | None) -> None:
        """Make the call that is due; with a ``problem`` one to ``/fail``, once."""
        memory = self._memory
        is_due = not memory.ping_failed if problem else self._is_due(now)
        is_early = self._tried_us is not None and now.steady_us - self._tried_us < _AGAIN_US
        if not is_due or is_early:
            return
        self._tried_us = now.steady_us
        self.trouble = self._request(problem)
        if self.trouble is None:
            memory.ping_us, memory.ping_failed = now.steady_us, problem is not None

    def _is_due(self, now: Now) -> bool:
        memory = self._memory
        is_late = memory.ping_us is None or now.steady_us - memory.ping_us >= self._interval_us
        return is_late or memory.ping_failed

    def _request(self, problem: str | None) -> str | None:
        """Send a request; return why it failed. The path is a secret, so it is not repeated."""
        method, url = ("POST", f"{self._url.rstrip('/')}/fail") if problem else ("GET", self._url)
        try:
            answer = web_client.send(method, url, (problem or "").encode(), seconds=_SECONDS)
        except NotDeliveredError as error:
            return f"ping_url: {error}"
        return None if answer.is_good else f"ping_url: the server answered {answer.status}"
