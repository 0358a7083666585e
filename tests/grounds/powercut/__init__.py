"""Power cuts: what a disk holds at an instant under load is mounted, recovered and judged.

The service runs on an ext4 image, and the image stands on an XFS that shares blocks between
files, so a copy of it takes a fraction of a millisecond and no time passes in it. A copy is what
a power cut at that instant leaves: all that the block device was given so far, and nothing that
was still in the kernel's memory; the copy's journal has to be replayed as after a real one.

What the model has: what was not synced is lost, be it data, a name or a length, in whatever order
the kernel happened to write it; requests are carried out in the order in which ext4 gave them to
the device, and are whole. What it has not: a device that loses or reorders what it confirmed (a
cache that ignores flushes, or that was cut between two of them), or that tears a single request.
Whether the loop device goes through the page cache or past it makes no difference: a copy takes
what is dirty in the image's page cache along.
"""
