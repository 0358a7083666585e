"""The system around beemon: systemd, the journal, processes and ports."""
