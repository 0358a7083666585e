"""Weighing a hive: calibrations, drift with the temperature, and steps of the weight."""
