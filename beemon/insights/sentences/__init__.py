"""The prose of the findings: numbers in, sentences out. No rule has a sentence of its own.

The tests call each function with all values of its arguments' types. The type of an argument that
has fewer values names them: ``Annotated[int, range(1, 91)]``, or ``Annotated[float, (0.0, 40.0)]``
from the least to the largest.
"""
