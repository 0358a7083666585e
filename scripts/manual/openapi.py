"""Prints the OpenAPI document of the HTTP API, as the page serves it; run by debian/rules.

    python3 -m scripts.manual.openapi
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from beemon.config.web import WebSettings
from beemon.protocol.client import Client
from beemon.web.openapi import describe
from beemon.web.options import SiteOptions
from beemon.web.site import Site


def main() -> int:
    """Print the document of all routes of a site that serves nobody."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = Site(SiteOptions(
            hive="", archive=folder, connect=Client, state=folder, runtime=folder, cache=folder,
            live=folder, **vars(WebSettings()),
        ))
        print(json.dumps(describe(site.routes), ensure_ascii=False, indent=1))
        site.hive.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
