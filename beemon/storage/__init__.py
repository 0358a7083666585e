"""Files on the archive's disk: places, syncs, free space, the reserve and the lock."""
