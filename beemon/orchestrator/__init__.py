"""Process 2, the Orchestrator: one loop over one mailbox, which carries out all commands."""

from beemon.orchestrator.orchestrator import LoadedOrchestrator, Orchestrator

__all__ = ["LoadedOrchestrator", "Orchestrator"]
