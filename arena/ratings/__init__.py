"""Ratings from votes, with numpy and scipy only: Bradley-Terry with ties, intervals clustered by prompt and voter, certain ranks.

``bradley_terry`` fits ratings, ``clustering`` computes their covariance, ``ranks`` which part of the order is certain, ``connectivity``
which models can be compared, ``robustness`` which voter or votes a lead depends on; ``elo`` is the online rating for display.
"""
