"""Results: a run read back, reduced to summaries and compared."""
