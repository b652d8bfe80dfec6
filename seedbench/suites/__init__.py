"""Prompt suites: what is asked for, and the assets it refers to."""
