"""Microphone drivers."""
