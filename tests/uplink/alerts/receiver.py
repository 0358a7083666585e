"""A receiver of messages on loopback: an ntfy server and a JSON hook, as apprise knows them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANGS, CUTS = "hangs", "cuts"


class Receiver:
    """Keeps what arrived. ``answers`` are its next ones: a status, :data:`HANGS` or :data:`CUTS`.

    With none left it answers 200.
    """

    def __init__(self):
        self.arrived = []
        self.requests = []
        self.answers = []
        self.has_ended = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.handle(self)

            do_GET = do_PUT = do_POST

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self):
        return self.server.server_port

    def url(self, kind="json", path="hook"):
        return f"{kind}://127.0.0.1:{self.port}/{path}"

    def handle(self, request):
        length = int(request.headers.get("Content-Length", 0))
        body = request.rfile.read(length).decode()
        self.requests.append((request.command, request.path, body))
        answer = self.answers.pop(0) if self.answers else 200
        if answer == 200 or isinstance(answer, str):
            try:
                told = json.loads(body)
            except ValueError:
                told = {"message": body}
            self.arrived.append((told.get("title"), told.get("message")))
        if answer == HANGS:
            self.has_ended.wait(20)
        if isinstance(answer, str):
            request.close_connection = True
            return
        request.send_response(answer)
        request.end_headers()
        request.wfile.write(b"{}")

    @property
    def titles(self):
        return [title for title, _ in self.arrived]

    def close(self):
        self.has_ended.set()
        self.server.shutdown()
        self.server.server_close()
