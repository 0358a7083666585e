"""The bars of the insights, one subject a file: what the rules find in real hives."""
