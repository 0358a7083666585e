"""The page: a service of its own that shows the hive in a browser, and the HTTP API behind it."""
