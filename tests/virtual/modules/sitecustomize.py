"""Run by every Python whose PYTHONPATH has this folder: makes libcamera's virtual camera do for
picamera2, from below it.

The virtual camera of libcamera 0.4 has no raw mode and gives only NV12, two planes in one piece of
memory, and it fills a request at once. So here are a raw mode, an allocator (``kept_buffers``) and
a sensor's pace. A file ``stall`` in the folder PI_CAMERA makes it stall;
PI_CAMERA_ALLOCATOR=LibcameraAllocator leaves the allocating to picamera2.
"""

import collections
import importlib.abc
import importlib.machinery
import os
import sys
import threading
import time
from pathlib import Path
from unittest.mock import MagicMock

for absent in ("kms", "pykms", "pidng", "pidng.camdefs", "pidng.core"):
    sys.modules[absent] = MagicMock()

GRIP = Path(os.environ.get("PI_CAMERA", "/nonexistent"))
PERIOD = 1 / float(os.environ.get("PI_CAMERA_RATE", "15"))


class Sensor:
    """Hands libcamera a request when a frame is due, where there is one."""

    def __init__(self, camera_class):
        self.give, self.end = camera_class.queue_request, camera_class.stop
        self.requests = collections.deque()
        self.lock = threading.Lock()
        threading.Thread(target=self.run, daemon=True).start()
        camera_class.queue_request = lambda *request: self.requests.append(request)
        camera_class.stop = lambda camera: self.stop(camera)

    def stop(self, camera):
        with self.lock:
            self.requests.clear()
            self.end(camera)

    def run(self):
        due = time.monotonic()
        while True:
            # However late, no two frames are of one time: libcamera stamps them as it fills them.
            due = max(due + PERIOD, time.monotonic() + PERIOD / 2)
            time.sleep(max(0.0, due - time.monotonic()))
            if request := self.expose():
                self.wait(request)

    def expose(self):
        with self.lock:
            if not self.requests or (GRIP / "stall").exists():
                return None
            given = self.requests.popleft()
            self.give(*given)
            return given[1]

    def wait(self, request):
        """Return when libcamera has filled it; it may have come back for the next frame by then."""
        while str(request.status).endswith("Pending"):
            if any(waiting is request for _, waiting in [*self.requests]):
                break
            time.sleep(0.001)


def adapt(module):
    import kept_buffers
    import libcamera

    camera_class = module.Picamera2
    allocator = kept_buffers.KeptMapped
    if os.environ.get("PI_CAMERA_ALLOCATOR") == "LibcameraAllocator":  # to show what it does
        allocator = kept_buffers.Plain
    begin, describe = camera_class.__init__, camera_class._update_stream_config

    def __init__(self, *arguments, **options):
        begin(self, *arguments, **options, allocator=allocator(lambda: self.camera))

    def _update_stream_config(self, config, given):
        describe(self, config, given)
        config["format"] = config["format"].replace("NV12", "YUV420")

    camera_class.__init__, camera_class._update_stream_config = __init__, _update_stream_config
    camera_class._get_raw_modes = lambda self: [{"format": "SRGGB10", "size": (1280, 720)}]
    module.DmaAllocator = allocator  # what is left in its place when a camera was closed
    Sensor(libcamera.Camera)


class AfterImport(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "picamera2.picamera2":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            adapt(module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, AfterImport())
