"""Media files as bytes: FLAC, MP4, JPEG and their tags."""
