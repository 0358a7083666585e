"""What a recording says of itself: is it whole, and is there anything on it."""
