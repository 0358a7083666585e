"""``ledger.db``: every job with its one outcome, and all else that the archive keeps in rows."""
