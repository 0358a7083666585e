"""Room on the disk: deletion of recordings when it fills up, and pauses of the recorders."""
