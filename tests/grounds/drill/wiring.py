"""Which pin is wired to what, for those who describe the service's devices and for its pins."""

OUTER, INNER = 17, 27
COUNTER, RAIN, GOOD_COUNTER = 22, 23, 4
CONTACT = 24
LIGHT, GOOD_LIGHT = 18, 25
CLOCK, DATA, GOOD_CLOCK, GOOD_DATA = 5, 6, 12, 13
SELECT = 8

PASSAGES = ((OUTER, INNER), (COUNTER,), (RAIN,), (GOOD_COUNTER,), (CONTACT,))
"""What something passes all the time: first pin first."""
SCALES = ((CLOCK, DATA), (GOOD_CLOCK, GOOD_DATA))
