"""Cross-shot identity: is each character the same person in every shot?"""

from metrics.identity.metric import CrossShotIdentity

__all__ = ["CrossShotIdentity"]
