"""A server of somebody else on loopback: answers as the test says, and remembers the requests."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple


class Asked(NamedTuple):
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Said(NamedTuple):
    """The answer to it; ``body`` None hangs up without one."""

    status: int = 204
    body: bytes | None = b""
    headers: dict[str, str] = {}  # noqa: RUF012


def certify(folder: Path, address: str) -> tuple[Path, Path]:
    """A certificate of an address, by itself, and its key."""
    found = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=hive", "-addext", f"subjectAltName=IP:{address}",
         "-out", found[0], "-keyout", found[1]], check=True, capture_output=True,
    )
    return found


class FarServer(ThreadingHTTPServer):
    """``answer`` decides what each request gets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Said] = lambda _: Said()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FarServer

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, dict(self.headers), body)
        said = self.server.answer(asked)
        self.server.asked.append(asked)
        if said.body is None:
            self.close_connection = True
            return
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    do_GET = do_POST = do_PUT = _handle

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def far_server() -> Iterator[FarServer]:
    with FarServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
