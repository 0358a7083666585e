"""Web client of the destinations: a request that takes something to a server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from beemon.base import web_client
from beemon.base.quoting import shown
from beemon.base.web_client import SECONDS, Answer
from beemon.uplink.contract import NotDeliveredError

_ASKS_LATER = (429, 503)


def send(
    method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Answer:
    """Send a request and read the answer, which may take ``seconds`` as a whole.

    Raises :class:`NotDeliveredError` if there is none.
    """
    try:
        return web_client.send(method, url, body, headers, seconds)
    except web_client.NoAnswerError as error:
        raise NotDeliveredError(str(error)) from error.__cause__


def check_answer(
    answer: Answer, url: str, wanted: Collection[int], secret: str | None = None
) -> None:
    """Raise :class:`NotDeliveredError` unless the server answered with a wanted status.

    A server may repeat in its answer what it got; the ``secret`` is left out.
    """
    if answer.status in wanted:
        return
    text = answer.body.decode("utf-8", "replace").strip()
    said = shown(text.replace(secret, "…") if secret else text, 120)
    if 300 <= answer.status < 400:
        said = "which redirects; name the new address in the config"
    later = answer.retry_after if answer.status in _ASKS_LATER else None
    raise NotDeliveredError(
        f"{urlsplit(url).hostname} did not take it: status {answer.status}{said and f', {said}'}",
        retry_after=later,
    )
