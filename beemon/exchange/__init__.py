"""Other formats: exports of a period, and imports from other monitors."""
