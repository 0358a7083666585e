"""Power cuts: what a disk holds at an instant under load is mounted, recovered and judged.

The service runs on an ext4 image behind a block device with a volatile cache, which is a process
of this ground (``device.py``). The image stands on an XFS that shares blocks between files, so a
copy of it takes a fraction of a millisecond, and no time passes in it. What a cut leaves is the
medium as it was after the last flush, and of each block that was written since either the new
content or the old: all new (a device that writes in order and at once), all old, or a choice by
chance. One half of the cuts comes at any moment, the other between two writes.

Beside slots, clients ask for recordings, readings and inspections and note what they are promised,
with the time, outside the disk; retention is short of inodes, exports run, the clock is wrong at
first and then becomes right, and what a kill or a cut left is salvaged. A life of the service ends
by a kill, every second one by a cut from whose state the next goes on. In every second life the
ledger's log is written over, as it is after weeks (``wear.py``).

What the model has: what was not synced is lost, be it data, a name or a length; what was synced
and not flushed, too, in any order. The copy's journal is replayed as after a real cut; recovery is
beemon's own. What it has not: a device that forgets what it said it had flushed (``--lying`` shows
what that would do), a block of 4 KB that is half written, and file systems other than ext4.
"""
