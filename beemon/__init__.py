"""beemon: a beehive monitor that never stops silently and never invents a number."""

__version__ = "0.2.0.dev0"
"""A built package has its own version in this place: debian/rules writes it."""
