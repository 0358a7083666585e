"""Findings about the colony from the readings of a day: pure rules without ledger or clock."""
