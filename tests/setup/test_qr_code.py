"""The QR code of the page's address, read by a decoder as a phone's camera reads it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("segno")
pytest.importorskip("zxingcpp")

import zxingcpp

from beemon.cli.page import show_address
from beemon.config import settings
from beemon.setup.page import Places, qr_code
from beemon.web import service
from beemon.web.site import Site
from tests.web.site import options_in

BRIGHT = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}
"""The upper and the lower half of a block character; a terminal's paper is dark."""
PIXELS = 6
"""The size of a module."""


def read(lines: Sequence[str]) -> str:
    """The text of the code in these lines of a terminal."""
    rows = [[BRIGHT[character][half] for character in line] for line in lines for half in (0, 1)]
    terminal = np.pad(np.array(rows, np.uint8) * 255, 8)
    picture = np.kron(terminal, np.ones((PIXELS, PIXELS), np.uint8))
    [found] = zxingcpp.read_barcodes(picture)
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    return str(found.text)


@pytest.mark.parametrize("link", [
    "http://127.0.0.1:8081/#code=ABCDEFGH23", "https://apiary-7.local:8081/",
    "https://[2001:db8::7]:8443/#code=ZZZZZZZZZZ", "https://bees.example/hives/seven/",
])
def test_it_leads_to_the_exact_address(link: str) -> None:
    lines = list(qr_code(link))
    assert max(map(len, lines)) <= 80
    assert read(lines) == link


def test_it_is_that_of_the_link_with_the_one_time_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, places = tmp_path / "beemon.toml", Places(tmp_path)
    config.write_text(f'[hive]\nname = "apiary-7"\n[archive]\npath = "{tmp_path}"\n'
                      '[web]\naddress = "192.0.2.7:8081"\n')
    runtime = tmp_path / "run/beemon-web"
    runtime.mkdir(parents=True)

    async def show() -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(places.socket))
            async with service.served(Site(options_in(tmp_path, runtime=runtime)), [listener]):
                await asyncio.to_thread(show_address, settings.load(config), places)

    asyncio.run(show())
    lines = capsys.readouterr().out.splitlines()
    link = f"http://192.0.2.7:8081/#code={places.code.offer()}"
    assert f"  {link}" in lines
    assert read([line for line in lines if line and set(line) <= set(BRIGHT)]) == link
