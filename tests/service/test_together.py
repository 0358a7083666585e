"""Several clients that command back to back: what is entered together is neither lost nor mixed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hive import Hive, until

CLIENTS, EACH = 8, 10  # fewer than there are places for
ALL = list(range(1, CLIENTS * EACH + 1))


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    with Hive(tmp_path_factory.mktemp("together"), "") as hive:
        yield hive


def test_each_client_gets_numbers_of_its_own_in_the_order_of_its_commands(hive: Hive) -> None:
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(CLIENTS) as threads:
        clients = [stack.enter_context(hive.client()) for _ in range(CLIENTS)]
        given = list(threads.map(
            lambda client: [client.request("start all").payload["job"] for _ in range(EACH)],
            clients,
        ))
    assert all(jobs == sorted(jobs) for jobs in given)
    assert sorted(job for jobs in given for job in jobs) == ALL
    assert hive.wait(CLIENTS * EACH)["outcome"] == "done"
    found = hive.ask(f"jobs {CLIENTS * EACH}")["jobs"]
    assert {job["outcome"] for job in found} == {"done"}
    by_client: dict[str, list[int]] = {}
    for job in reversed(found):
        by_client.setdefault(job["origin"], []).append(job["job"])
    assert sorted(by_client.values()) == sorted(given)
    until(lambda: sorted(_logged(hive)) == ALL)  # after the reply


def _logged(hive: Hive) -> list[int]:
    lines = [line for line in hive.said().splitlines() if " accepted: " in line]
    return [int(line.split()[2]) for line in lines]
