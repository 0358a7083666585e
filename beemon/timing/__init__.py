"""Schedules, the sun, time zones, and systemd's word on the clock."""
