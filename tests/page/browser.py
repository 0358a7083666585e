"""A browser, as a reader of the page has it: what is on the page is found by its role and name."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.grounds.browser import AXE, CHROMIUM, DRIVER
from tests.hive import until

SWITCHES = (
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--autoplay-policy=user-gesture-required", "--disable-background-networking",
)


class Browser:
    """Debian's Chromium, driven by chromedriver."""

    def __init__(self, language: str = "en-GB") -> None:
        options = Options()
        options.binary_location = str(CHROMIUM)
        for switch in (*SWITCHES, f"--lang={language}", f"--accept-lang={language}"):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
        self.size(1440)

    def command(self, name: str, **options: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol."""
        reply: dict[str, Any] = self.driver.execute_cdp_cmd(name, options)
        return reply

    def size(self, width: int, scheme: str = "light", height: int = 900) -> None:
        """Give the screen a width, and the colours that the reader prefers."""
        self.command("Emulation.setDeviceMetricsOverride",
                     width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.command("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, address: str) -> None:
        """Go to an address."""
        self.driver.get(address)

    def run(self, script: str, *values: Any) -> Any:
        """The result of a script in the page."""
        return self.driver.execute_script(script, *values)

    def nodes(self, role: str, name: str | None = None) -> list[dict[str, Any]]:
        """What a screen reader finds with a role, and with a name if one is given."""
        root = self.command("DOM.getDocument", depth=0)["root"]["nodeId"]
        wanted = {"role": role} | ({} if name is None else {"accessibleName": name})
        try:
            found = self.command("Accessibility.queryAXTree", nodeId=root, **wanted)["nodes"]
        except WebDriverException as error:
            if "Could not find node" not in str(error):
                raise
            return []  # another page was loaded in between
        return [node for node in found if not node["ignored"]]

    def names(self, role: str) -> list[str]:
        """The names of all that has a role."""
        return [node.get("name", {}).get("value", "") for node in self.nodes(role)]

    def has(self, role: str, name: str | None = None) -> bool:
        """Whether a screen reader finds it."""
        return bool(self.nodes(role, name))

    def await_(self, role: str, name: str | None = None) -> dict[str, Any]:
        """What has this role and name, as soon as it is there."""
        return until(lambda: self.nodes(role, name))[0]

    def press(self, name: str, role: str = "button") -> None:
        """Click what has this name, as soon as it is there and can be clicked."""
        node = self.await_(role, name)
        made = self.command("DOM.resolveNode", backendNodeId=node["backendDOMNodeId"])["object"]
        self.command("DOM.scrollIntoViewIfNeeded", backendNodeId=node["backendDOMNodeId"])
        self.command("Runtime.callFunctionOn", objectId=made["objectId"],
                     functionDeclaration="function() { this.click(); }", userGesture=True)

    def text(self, selector: str) -> str:
        """The visible text of an element; empty if there is none."""
        script = "return document.querySelector(arguments[0])?.innerText ?? ''"
        return str(self.run(script, selector))

    def trait(self, selector: str, trait: str) -> Any:
        """A property of an element; None if there is none."""
        return self.run("return document.querySelector(arguments[0])?.[arguments[1]]",
                        selector, trait)

    def complaints(self) -> list[str]:
        """What the console has of warnings and errors since the last look."""
        return [
            entry["message"] for entry in self.driver.get_log("browser")
            if entry["level"] in ("WARNING", "SEVERE")
        ]

    def requests(self) -> list[str]:
        """The addresses that the page asked for since the last look."""
        messages = [json.loads(entry["message"])["message"]
                    for entry in self.driver.get_log("performance")]
        return [message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"]

    def offences(self) -> list[str]:
        """What axe-core calls serious or critical."""
        self.run(AXE.read_text("utf-8"))
        found = self.driver.execute_async_script("axe.run().then(arguments[0])")
        return [
            f"{one['id']}: {node['html'][:200]}" for one in found["violations"]
            if one["impact"] in ("serious", "critical") for node in one["nodes"]
        ]

    def picture(self, file: Path, height: int | None = None, scale: float = 1) -> None:
        """Take a picture of the whole page, or of its top."""
        width = self.run("return innerWidth")
        tall = height or self.run("return document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": width, "height": tall, "scale": scale}
        form = {"format": "webp", "quality": 80} if file.suffix == ".webp" else {}
        taken = self.command(
            "Page.captureScreenshot", captureBeyondViewport=True, clip=clip, **form
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(taken["data"]))

    def quit(self) -> None:
        """Close it."""
        self.driver.quit()
