"""The report of a run: one self-contained HTML page, and the same numbers as CSV, Parquet, JSON and Markdown."""
