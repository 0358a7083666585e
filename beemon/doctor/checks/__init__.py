"""The checks, one in each module.

A module has ``check(machine)``, which yields findings. If it can mend them, it also has
``fix(machine)``. That returns a sentence about what it did, or raises ``NotFixedError``.
A fix may be repeated.
"""
