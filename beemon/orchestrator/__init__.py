"""Process 2, the Orchestrator: one loop over one mailbox, which carries out all commands."""

from beemon.orchestrator.orchestrator import Orchestrator

__all__ = ["Orchestrator"]
