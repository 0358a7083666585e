"""The command line: ``beemon``, its words, and replies as text."""
