"""Recovered: what a ledger that was set aside still holds goes into the one in use."""

KIND = "recovered"
