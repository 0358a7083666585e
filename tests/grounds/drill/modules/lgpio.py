"""Found in lgpio's place: the error that it raises, which is of no kin to any other."""


class error(Exception):
    """As lgpio has it."""
