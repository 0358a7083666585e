"""Checks that run on a Debian 13 with libcamera's virtual camera; see grounds/virtual.py."""
