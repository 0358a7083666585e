"""Setup: find the devices of this machine, show what they deliver, and write the config."""
