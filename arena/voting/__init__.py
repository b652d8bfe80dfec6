"""Voting: who votes on which pair, and the rules a vote must keep."""
