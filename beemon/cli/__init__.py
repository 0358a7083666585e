"""What a person types: ``beemon``, its words, and replies as text."""
