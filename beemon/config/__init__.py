"""The config: TOML files into frozen, validated settings."""
