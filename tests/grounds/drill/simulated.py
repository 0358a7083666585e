"""The simulated devices, which show their own faults: in the third request, for one request."""

from __future__ import annotations

from pathlib import Path

from tests.grounds.drill.case import Case, Good, Rig, Stand

FAULTS = {
    "hang": ("hangs", "timeout", "restarts"),
    "die": ("dies", "worker-died", "restarts"),
    "lost": ("is lost", "stalled", "restarts"),
    "error": ("fails", "device-error", "reopened"),
}
DEAD = ("lies", "check-failed", "reopened")
KINDS = ("microphone", "camera", "sensor", "output")
LINES = {"sensor": "beemon-sensors", "output": "beemon-gpio"}
SMALL = "width = 160\nheight = 120\nframe_rate = 10"
BRIEF = ("microphone.dead", "sensor.error", "output.lost")


def stand(folder: Path) -> Stand:
    """A device for each fault, and one for good; good recorders beside them."""
    rigs = [_rig(folder, kind, fault) for kind in KINDS for fault in FAULTS]
    rigs += [_rig(folder, kind, "dead") for kind in ("microphone", "camera")]
    rigs.append(_worn_out(folder))
    good = [
        Good("camera.good", f'driver = "simulated"\n{SMALL}'),
        Good("microphone.good", 'driver = "simulated"'),
    ]
    return Stand(rigs, good)


def _config(folder: Path, kind: str, name: str, fault: str, lasts: int) -> str:
    small = SMALL if kind == "camera" else ""
    return (
        f'driver = "simulated"\ntimeout = "1s"\n{small}\nfault = "{fault}"\nfault_after = 2\n'
        f'fault_for = {lasts}\nfault_file = "{folder}/{kind}.{name}"'
    )


def _rig(folder: Path, kind: str, fault: str) -> Rig:
    name = f"{kind}.{fault}"
    shown, reason, tier = FAULTS.get(fault, DEAD)
    case = Case(shown, "it is simulated", reason, tier, lag=float("inf"), brief=name in BRIEF)
    config = _config(folder, kind, fault, fault, 1)
    return Rig(name, "simulated", config, [case], LINES.get(kind, ""))


def _worn_out(folder: Path) -> Rig:
    case = Case("dies, each time", "it is simulated", "worker-died", "given_up",
                lag=float("inf"), lasts=True)
    config = _config(folder, "microphone", "worn-out", "die", 0)
    return Rig("microphone.worn-out", "simulated", config, [case])
