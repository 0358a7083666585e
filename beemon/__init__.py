"""beemon: a beehive monitor that never stops silently and never invents a number."""

__version__ = "0.1.0"
