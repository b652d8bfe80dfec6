"""The report of a run: one self-contained HTML page, and the same numbers as CSV, Parquet, JSON and Markdown.

The store fills a :class:`seedbench.results.data.RunReport`; :func:`seedbench.report.write.write_report` writes the folder,
:func:`seedbench.report.console.summary_table` prints the summary.
"""
