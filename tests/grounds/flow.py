"""A client that never rests, for inside a container: ``flow.py COMMAND ACCEPTED``.

Sends the command, writes the number of every accepted job down before it does anything else,
waits for the outcome, and begins again; a service that is away is asked again until it is back.
"""

import json
import socket
import sys
import time
from pathlib import Path
from typing import Any, TextIO


def main() -> None:
    command, accepted = sys.argv[1], Path(sys.argv[2])
    while True:
        try:
            one_job(command, accepted)
        except OSError:
            time.sleep(0.05)


def one_job(command: str, accepted: Path) -> None:
    with socket.create_connection(("127.0.0.1", 8080), timeout=10) as connection:
        lines = connection.makefile("rw")
        if job := ask(lines, command).get("job"):
            with accepted.open("a") as file:
                file.write(f"{job}\n")
            ask(lines, f"wait {job}")


def ask(lines: TextIO, request: str) -> dict[str, Any]:
    """The object of an OK reply; an empty one for an ERROR."""
    lines.write(f"{request}\n")
    lines.flush()
    if not (reply := lines.readline()):
        raise ConnectionResetError("the service has gone")
    word, _, payload = reply.partition(" ")
    answer: dict[str, Any] = json.loads(payload) if word == "OK" else {}
    return answer


if __name__ == "__main__":
    main()
