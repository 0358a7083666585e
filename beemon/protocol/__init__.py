"""The line protocol: its bytes, its vocabulary, and a client."""
