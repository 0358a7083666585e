"""Process 1, the Server: lines in, replies out. It executes nothing and touches no hardware."""

from beemon.server.server import IPAddress, Server

__all__ = ["IPAddress", "Server"]
