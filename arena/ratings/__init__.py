"""Ratings from votes, in numpy and scipy alone: Bradley-Terry with ties, intervals clustered by prompt and voter, ranks that are sure.

``bradley_terry`` fits, ``clustering`` says how far a fit may be off, ``ranks`` what of the order is sure, ``connectivity`` who can be
compared at all, ``robustness`` who or what a board hangs on, ``elo`` is the online rating for display.
"""
