"""Process 1, the Server: lines in, replies out. It executes nothing and touches no hardware."""

from beemon.protocol.address import IPAddress
from beemon.server.server import Server

__all__ = ["IPAddress", "Server"]
