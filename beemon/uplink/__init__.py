"""The uplink: carries the content of the archive to where its owner lives.

It is a service of its own. It reads the archive, and talks to the Server as any client does.
"""
