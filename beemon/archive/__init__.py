"""All that is kept: the ledger and the recordings on disk."""
