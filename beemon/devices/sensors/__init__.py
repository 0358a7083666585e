"""Sensor drivers."""
