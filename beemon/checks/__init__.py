"""Whether a recording holds what it says: sound, video and pictures."""
