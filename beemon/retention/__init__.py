"""Room on the disk: what is deleted when it fills up, and who pauses."""
