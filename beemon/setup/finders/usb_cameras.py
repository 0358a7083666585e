"""The cameras that Video4Linux lists: those at USB ports, and the kernel's test camera."""

from __future__ import annotations

import fcntl
import os
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from beemon.setup.candidates import VIDEO, Candidate, Obstacle
from beemon.setup.machine import Machine, listing, text_of

OF_THE_PI = ("unicam", "rp1-cfe", "bcm2835", "pispbe", "rpi-hevc", "rpivid")
"""The begin of the names of nodes that belong to the Pi's own cameras and codecs."""
_QUERY_CAPABILITIES = 0x80685600  # VIDIOC_QUERYCAP, <linux/videodev2.h>
_CAPTURES = 0x1
_FOLDERS = ("by-id", "by-path")
_PERMISSION = "sudo adduser $USER video"


def find(machine: Machine) -> Iterator[Candidate | Obstacle]:
    """Each node that captures pictures, by a name that stays when others are plugged in."""
    nodes = [node for node in listing(machine.sys / "class/video4linux", "video*")
             if not text_of(node / "name").startswith(OF_THE_PI)]
    links = _links(machine)
    alike = Counter(text_of(node / "name") for node in nodes if _is_first(node))
    for node in nodes:
        title = text_of(node / "name") or node.name
        try:
            captures = _captures(machine.dev / node.name, node)
        except PermissionError:
            yield Obstacle(f"the camera {title}", f"you may not open /dev/{node.name}", _PERMISSION)
            continue
        except OSError as error:
            yield Obstacle(f"the camera {title}", f"/dev/{node.name}: {error.strerror}",
                           "Unplug the camera and plug it in again.")
            continue
        if captures:
            yield _camera(title, links.get(node.name, {}), is_alone=alike[title] == 1)


def _camera(title: str, names: dict[str, str], *, is_alone: bool) -> Candidate | Obstacle:
    """The camera by its id, or by its port if it has no id or there are two of its model."""
    name = names.get("by-id") if is_alone else names.get("by-path")
    name = name or names.get("by-path") or names.get("by-id")
    if name is None:
        return Obstacle(f"the camera {title}", "it has no name in /dev/v4l, only a number",
                        "sudo udevadm trigger --subsystem-match=video4linux")
    return Candidate(
        name="camera.entrance", what=f"the camera {title}",
        options={"driver": "v4l2", "device": name}, schedule=VIDEO,
        aliases=frozenset(names.values()),
    )


def _links(machine: Machine) -> dict[str, dict[str, str]]:
    """The names of each node in ``/dev/v4l``, by their folders."""
    found: dict[str, dict[str, str]] = {}
    for folder in _FOLDERS:
        for link in listing(machine.dev / "v4l" / folder):
            node = link.resolve().name
            found.setdefault(node, {}).setdefault(folder, f"/dev/v4l/{folder}/{link.name}")
    return found


def _captures(node: Path, described: Path) -> bool:
    """Whether the node captures pictures: its driver knows, or its place among its camera's nodes.

    Raises ``OSError``.
    """
    handle = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        reply = fcntl.ioctl(handle, _QUERY_CAPABILITIES, bytes(104))
    except OSError:
        return _is_first(described)
    finally:
        os.close(handle)
    return bool(struct.unpack_from("=I", reply, 88)[0] & _CAPTURES)


def _is_first(node: Path) -> bool:
    """Whether it is the first node of a camera; the others bring data about the pictures."""
    return text_of(node / "index") in ("", "0")
