"""Other formats: exports of a period, and imports of what other monitors kept."""
