"""Lip sync without SyncNet: whether lips and sound belong together, and by how much they are apart."""

from seedbench.metrics.lipsync.metric import LipSync

__all__ = ["LipSync"]
