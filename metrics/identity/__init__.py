"""Cross-shot identity: is each character the same person in every shot?"""

from seedbench.metrics.identity.metric import CrossShotIdentity

__all__ = ["CrossShotIdentity"]
