"""Intermediate results that several metrics share, each computed once per clip."""
