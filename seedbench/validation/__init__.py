"""Trying a metric on real footage: the truth file, the copies, the counts, the page."""
