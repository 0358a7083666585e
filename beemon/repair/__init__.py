"""Making files and ledger agree: salvage, indexing, rebuild and check."""
