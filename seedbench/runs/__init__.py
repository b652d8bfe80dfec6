"""Runs: what was asked, the plan, and how it is carried out."""
