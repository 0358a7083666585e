"""Power cuts: what a disk holds at an instant under load is mounted, recovered and judged.

The service runs on an ext4 image behind a block device with a volatile cache, which is a process
of this ground (``device.py``). The image stands on an XFS that shares blocks between files, so a
copy of it takes a fraction of a millisecond, and no time passes in it. What a cut leaves is the
medium as it was after the last flush, and of each block that was written since either the new
content or the old: all new (a device that writes in order and at once), all old, or a choice by
chance. One half of the cuts comes at any moment, the other between two writes. Clients note what
they are promised, with the time, outside the disk.

What the model has: what was not synced is lost, be it data, a name or a length; what was synced
and not flushed, too, in any order. The copy's journal is replayed as after a real cut; recovery is
beemon's own. What it has not: a device that forgets what it said it had flushed (``--lying`` shows
what that would do), and a block of 4 KB that is half written.
"""
