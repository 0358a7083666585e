"""A bare-bones daemon: what any service in Python pays before it is ready."""

import json
import logging
import os
import socket
import threading

logging.basicConfig(level=logging.INFO)
listener = socket.create_server(("127.0.0.1", 0))
logging.info("%s", json.dumps({"port": listener.getsockname()[1]}))
threading.Thread(target=listener.accept, daemon=True).start()
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
threading.Event().wait()
