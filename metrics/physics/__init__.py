"""Physics: do bodies in motion move as bodies do?"""

from metrics.physics.metric import Physics

__all__ = ["Physics"]
