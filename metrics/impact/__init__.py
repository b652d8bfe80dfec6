"""Impact alignment: do the sounds of hits come when the hits are seen?"""

from seedbench.metrics.impact.metric import ImpactAlignment

__all__ = ["ImpactAlignment"]
