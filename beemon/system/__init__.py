"""What runs beemon: systemd, the journal, processes and ports."""
