"""How this machine reaches the Python package index, handed on to a container.

Nothing of it is kept: it is read from pip and from the environment when a test runs.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

CERTIFICATES = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]
PROXIES = ["http_proxy", "https_proxy", "no_proxy"]


def settings() -> list[str]:
    """Environment variables, as NAME=VALUE."""
    known = {name: os.environ[name] for name in (*CERTIFICATES, *PROXIES) if name in os.environ}
    return [f"{name}={value}" for name, value in {**_pip(), **known}.items()]


def binds() -> list[str]:
    """The files and folders of this machine that the settings name.

    An index's pages are in its ``simple`` folder, and what they link to is beside that.
    """
    paths = re.findall(r"(?:^|[\s=:]|file://)(/[^\s:]+)", "\n".join(settings()))
    there = {path.removesuffix("/simple") for path in paths if Path(path).exists()}
    return sorted(there - {inner for inner in there for outer in there if _is_in(inner, outer)})


def _pip() -> dict[str, str]:
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
    pairs = re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listed, re.MULTILINE)
    return {f"PIP_{key.upper().replace('-', '_')}": _spaced(value) for key, value in pairs}


def _spaced(value: str) -> str:
    return " ".join(value.replace("\\n", " ").split())


def _is_in(inner: str, outer: str) -> bool:
    return inner != outer and Path(inner).is_relative_to(outer)
