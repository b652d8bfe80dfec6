"""Blind pairs, votes and ratings."""
