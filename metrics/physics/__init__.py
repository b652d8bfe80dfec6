"""Physics: do bodies in motion move as bodies do?"""

from seedbench.metrics.physics.metric import Physics

__all__ = ["Physics"]
