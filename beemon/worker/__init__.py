"""Process 3, a Worker: it drives devices and may hang."""
