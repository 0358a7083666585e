"""An allocator for picamera2 that has libcamera allocate, and keeps what it mapped.

picamera2's own for that maps a buffer for each use and unmaps it afterwards, which fails where an
encoder still refers to it: BufferError, cannot close exported pointers exist. Here each buffer is
mapped once. And NV12 becomes YUV420 in it, as in a Pi's image processor.
"""

import mmap

import libcamera
from picamera2.allocators import LibcameraAllocator
from picamera2.allocators.allocator import Allocator, Sync


class Plain(LibcameraAllocator):
    """picamera2's own, for a camera that is known later."""

    def __init__(self, camera=None):
        super().__init__(None)
        self.get_camera = camera

    def allocate(self, configuration, use_case):
        self.camera = self.get_camera()
        super().allocate(configuration, use_case)


class Kept(Sync):
    """The use of a buffer that stays mapped."""

    def __init__(self, allocator, buffer, write):
        self.memory = allocator.mapped_buffers[buffer]

    def __enter__(self):
        return self.memory

    def __exit__(self, *_):
        pass


class KeptMapped(Allocator):
    def __init__(self, camera=None):
        super().__init__()
        self.sync = Kept
        self.mapped_buffers = {}
        self.get_camera = camera

    def allocate(self, configuration, _):
        self.mapped_buffers = {}
        self.allocator = libcamera.FrameBufferAllocator(self.get_camera())
        for stream in (config.stream for config in configuration):
            if self.allocator.allocate(stream) < 0:
                raise RuntimeError("Failed to allocate buffers.")
            for buffer in self.allocator.buffers(stream):
                length = sum(plane.length for plane in buffer.planes)
                self.mapped_buffers[buffer] = mmap.mmap(buffer.planes[0].fd, length)

    def buffers(self, stream):
        return self.allocator.buffers(stream)

    def acquire(self, buffers):
        for buffer in buffers.values():
            part_colours(self.mapped_buffers[buffer], buffer.planes[0].length)


def part_colours(memory, luma):
    """NV12's one plane of colours into YUV420's two."""
    both = memory[luma : luma * 3 // 2]
    memory[luma : luma * 5 // 4] = both[0::2]
    memory[luma * 5 // 4 : luma * 3 // 2] = both[1::2]
