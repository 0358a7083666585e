"""The command line: ``beemon``, its words, and replies as text."""

EXIT_WRONG = 1
"""Something is wrong, or was refused."""
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_BAD_CONFIG = 78
"""EX_CONFIG of <sysexits.h>; the units do not restart on it."""
