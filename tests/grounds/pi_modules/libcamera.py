"""Found in libcamera's place by a process whose PYTHONPATH has this folder."""

import sys

from tests.grounds import pi_camera

pi_camera.install()
pi_camera.fill(sys.modules[__name__])
