"""The real Home Assistant in a container, asked by its REST interface.

It is the core as :file:`scripts/home-assistant` installs it. In the place of its web page, which it
cannot start without, is an integration of the same name that does nothing.
"""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from tests.grounds.container import Container
from tests.grounds.deadline import until
from tests.grounds.tree import PROJECT, tree

USER, PASSWORD = "bee", "beepassword"
PORT = 18123
CONFIG = f"""
homeassistant: {{name: Bees, latitude: 52, longitude: 5, elevation: 0, unit_system: metric,
  time_zone: UTC}}
http: {{server_host: 127.0.0.1, server_port: {PORT}}}
api:
config:
recorder: {{commit_interval: 1}}
history:
logger: {{default: warning}}
"""
HTTP = {
    "version": 1, "minor_version": 1, "key": "http",
    "data": {"server_host": ["127.0.0.1"], "server_port": PORT},
}
PAGE = {
    "domain": "frontend", "name": "No page", "version": "1", "codeowners": [], "requirements": [],
    "documentation": "https://localhost",
    "dependencies": ["api", "auth", "config", "file_upload", "http", "onboarding", "system_log",
                     "websocket_api"],
}
UNIT = """
[Service]
Environment=PYTHONPATH=/opt/home-assistant HOME=/root PYTHONDONTWRITEBYTECODE=1
{root}
Type={kind}
ExecStart=/usr/bin/{python} -m homeassistant {words}
TimeoutStartSec=120
TimeoutStopSec=20
SuccessExitStatus=100
"""
FORKY = """
RootDirectory=/forky
MountAPIVFS=yes
PrivateTmp=yes
BindPaths=/ha
BindReadOnlyPaths=/opt/home-assistant
"""
CLIENT = f"""
import json, os, sys, urllib.error, urllib.parse, urllib.request
BASE = "http://127.0.0.1:{PORT}"
def call(path, body=None, form=None, token=None, binary=False):
    data = urllib.parse.urlencode(form).encode() if form else body and json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data)
    if body:
        request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", "Bearer " + token)
    with urllib.request.urlopen(request, timeout=20) as reply:
        content = reply.read()
    return content.hex() if binary else json.loads(content)
def new_token():
    me = {{"client_id": BASE + "/"}}
    flow = call("/auth/login_flow", {{**me, "handler": ["homeassistant", None],
                                      "redirect_uri": BASE + "/"}})["flow_id"]
    code = call("/auth/login_flow/" + flow, {{**me, "username": "{USER}",
                                              "password": "{PASSWORD}"}})["result"]
    return call("/auth/token", form={{**me, "grant_type": "authorization_code", "code": code}})
FILE = "/ha.token"
path, body, binary = json.loads(sys.argv[1])
try:
    if not os.path.exists(FILE):
        with open(FILE, "w") as file:
            file.write(new_token()["access_token"])
    with open(FILE) as file:
        told = [200, call(path, body, token=file.read(), binary=binary)]
except urllib.error.HTTPError as error:
    if error.code == 401:
        os.remove(FILE)
    told = [error.code, error.read().decode()]
except OSError as error:
    told = [0, str(error)]
print(json.dumps(told))
"""


@cache
def home_assistant(release: str) -> Path:
    """A layer that holds Home Assistant for that release."""
    command = [PROJECT / "scripts/home-assistant", release]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Path(made.stdout.strip())


@cache
def forky() -> Path:
    """A tree with the Python of the newest Home Assistant, which no container here can boot."""
    found = tree("forky", ("python3.14", "tzdata"))
    for folder in ("ha", "opt/home-assistant"):
        (found / folder).mkdir(parents=True, exist_ok=True)
    (found / ".dockerenv").touch()  # it wants to run in a container, and knows no other
    return found


def binds(release: str) -> list[str]:
    """The folders of Home Assistant that a container needs, for :class:`HomeAssistant`."""
    layer = home_assistant(release) / "opt/home-assistant"
    root = [f"{forky()}:/forky"] if release == "forky" else []
    return [f"{layer}:/opt/home-assistant", *root]


class HomeAssistant:
    """Home Assistant in a container that has the :func:`binds` of a release."""

    def __init__(self, machine: Container, release: str = "trixie") -> None:
        self.machine = machine
        self._root, self._python = {
            "trixie": ("", "python3.13"), "forky": (FORKY, "python3.14"),
        }[release]

    def install(self) -> None:
        """Configure it, with a user."""
        machine = self.machine
        machine.put("/ha/configuration.yaml", CONFIG)
        machine.put("/ha/.storage/http", json.dumps(HTTP))
        machine.put("/ha/custom_components/frontend/manifest.json", json.dumps(PAGE))
        machine.put("/ha/custom_components/frontend/__init__.py",
                    "async def async_setup(hass, config):\n    return True\n")
        machine.put("/ha-client.py", CLIENT)
        self._add_unit("home-assistant", "exec", "-c /ha --skip-pip --log-file /ha/out.log")
        self._add_unit("add-user", "oneshot", f"--script auth -c /ha add {USER} {PASSWORD}")
        machine.run("systemctl", "daemon-reload")
        machine.shell("systemctl start add-user || { journalctl -u add-user --no-pager; exit 1; }")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.machine.run("systemctl", "start", "home-assistant")
        until(lambda: self.ask("/api/config")[0] == 200, "Home Assistant's answer")

    def stop(self, signal: str = "TERM") -> None:
        """End it by a signal, and wait."""
        self.machine.run("systemctl", "kill", "-s", signal, "home-assistant", check=False)
        self.machine.run("systemctl", "stop", "home-assistant")

    def add_broker(self, port: int = 1883) -> None:
        """Add the broker as its user would, at its page."""
        flow = self._tell("/api/config/config_entries/flow", {"handler": "mqtt"})
        wanted: dict[str, object] = {"broker": "127.0.0.1", "port": port}
        if any(field["name"] == "protocol" for field in flow["data_schema"]):
            wanted |= {"protocol": "5", "other_settings": {
                "set_client_cert": False, "set_ca_cert": "off", "tls_insecure": False,
                "transport": "tcp",
            }}
        added = self._tell(f"/api/config/config_entries/flow/{flow['flow_id']}", wanted)
        assert added["type"] == "create_entry", added

    def states(self) -> dict[str, dict[str, Any]]:
        """Each entity that comes from MQTT, by its id; nothing while it does not answer."""
        status, told = self.ask("/api/states")
        if status != 200:
            return {}
        return {one["entity_id"]: one for one in told}

    def sw_version(self, entity: str) -> str:
        """The version of the software of the device to which an entity belongs."""
        told = f"{{{{ device_attr(device_id('{entity}'), 'sw_version') | tojson }}}}"
        return str(self._tell("/api/template", {"template": told}))

    def history(self, entity: str) -> list[float]:
        """The numbers that an entity has shown so far, from the first on."""
        status, told = self.ask(f"/api/history/period?filter_entity_id={entity}&minimal_response")
        assert status == 200, told
        shown = [one["state"] for each in told for one in each]
        return [float(state) for state in shown if state not in ("unknown", "unavailable")]

    def press(self, button: str) -> None:
        """Press a button."""
        self._tell("/api/services/button/press", {"entity_id": button})

    def picture(self, entity: str) -> bytes:
        """The picture that an entity shows, once it has one."""
        def found() -> str | None:
            status, told = self.ask(f"/api/image_proxy/{entity}", binary=True)
            return told if status == 200 else None

        return bytes.fromhex(until(found, f"the picture of {entity}") or "")

    def log(self) -> str:
        """Its log of warnings and errors."""
        return self.machine.shell("cat /ha/out.log")

    def log_of(self, integration: str) -> str:
        """The lines of its log that name an integration."""
        return "\n".join(line for line in self.log().splitlines() if integration in line)

    def ask(self, path: str, body: object = None, *, binary: bool = False) -> tuple[int, Any]:
        """The status, or 0, and the answer to a request."""
        request = json.dumps([path, body, binary])
        status, told = json.loads(self.machine.run("python3", "/ha-client.py", request).stdout)
        return status, told

    def _add_unit(self, name: str, kind: str, words: str) -> None:
        content = UNIT.format(root=self._root, python=self._python, kind=kind, words=words)
        self.machine.put(f"/etc/systemd/system/{name}.service", content)

    def _tell(self, path: str, body: object) -> Any:
        status, told = self.ask(path, body)
        assert status == 200, told
        return told
