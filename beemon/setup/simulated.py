"""A whole hive without any hardware, to try beemon with."""

from __future__ import annotations

from beemon.setup.candidates import MINUTE, Candidate, Options


def _sensor(name: str, what: str, *quantities: str, weighing: Options | None = None) -> Candidate:
    options = {"driver": "simulated", "quantities": list(quantities)}
    return Candidate(name=f"sensor.{name}", what=what, options=options, schedule=MINUTE,
                     weighing=weighing)


HIVE = (
    Candidate(
        name="microphone.brood", what="the hum of the brood nest", options={"driver": "simulated"},
        schedule={"interval": "5m", "duration": "10s"},
    ),
    Candidate(
        name="camera.entrance", what="the entrance; needs the package python3-av",
        options={"driver": "simulated"}, schedule={"interval": "10m", "duration": "10s"},
    ),
    _sensor("brood", "the brood nest", "temperature", "humidity"),
    _sensor("outside", "the air outside", "outside_temperature"),
    _sensor(
        "scale", "the weight of the hive", "weight",
        weighing={"temperature": "sensor.outside outside_temperature",
                  "entrance": "sensor.entrance"},
    ),
    _sensor("entrance", "the bees that fly out and come home", "bees_in", "bees_out"),
    Candidate(
        name="output.light", what="a light, to be switched by hand",
        options={"driver": "simulated", "longest": "10m"},
    ),
)
"""The devices of the simulated hive; the computer itself is a device of the first config."""

SYSTEM = Candidate(
    name="sensor.system", what="the computer itself", options={"driver": "system"}, schedule=MINUTE,
)

HEADER = """\
# A whole hive without any hardware, to try beemon with. `sudo beemon setup --simulated` writes it
# to /etc/beemon/conf.d/simulated.toml. To end it, delete that file, then:
#
#   sudo systemctl reload beemon
#
# Its recordings are kept.

"""
