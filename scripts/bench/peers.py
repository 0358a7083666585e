"""The plain servers that beemon's is held against, each run in a process of its own.

``python peers.py NAME [STATUS]``: prints the port, then serves. ``STATUS`` is the object with
which a line other than `ping` is answered, in JSON; it is encoded anew for each reply, as in
beemon.
"""

import asyncio
import json
import socket
import socketserver
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

PONG = {"pong": True}


def reply(line: bytes, status: dict[str, Any]) -> bytes:
    """One line of JSON for one line of text."""
    answer = PONG if line.strip() == b"ping" else status
    return f"OK {json.dumps(answer)}\n".encode()


def echo(_: dict[str, Any]) -> None:
    """The floor: what arrives goes back, unread."""

    def serve(client: socket.socket) -> None:
        while data := client.recv(4096):
            client.sendall(data)

    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    announce(listener.getsockname()[1])
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(client,), daemon=True).start()


def threading_tcp_server(status: dict[str, Any]) -> None:
    """What the standard library offers: a thread a client, a line in, a line out."""

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            for line in self.rfile:
                self.wfile.write(reply(line, status))

    class Plain(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

    with Plain(("127.0.0.1", 0), Handler) as server:
        announce(server.server_address[1])
        server.serve_forever()


def inserting_server(where: dict[str, Any]) -> None:
    """A durable insert for each line, into the database at ``path``; one client at a time."""
    import durable  # the other servers import no benchmark

    with closing(durable.bare_database(Path(where["path"]))) as bare:

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self) -> None:
                for _ in self.rfile:
                    self.wfile.write(reply(b"", {"job": durable.insert_bare(bare)}))

        with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
            announce(server.server_address[1])
            server.serve_forever()


def asyncio_streams(status: dict[str, Any]) -> None:
    """One thread, asyncio's streams."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(reply(line, status))
            await writer.drain()
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        announce(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def announce(port: int) -> None:
    """Tell the benchmark where to connect."""
    print(port, flush=True)


PEERS = {
    "echo": echo, "threading": threading_tcp_server, "asyncio": asyncio_streams,
    "inserting": inserting_server,
}

if __name__ == "__main__":
    PEERS[sys.argv[1]](json.loads(sys.argv[2]) if len(sys.argv) > 2 else {})
