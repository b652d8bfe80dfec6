"""The report of a run: one self-contained HTML page, and the same numbers as CSV, Parquet, JSON and Markdown.

The input is a :class:`seedbench.results.data.RunReport`, which :func:`seedbench.results.load.load_report` reads from the database.
:func:`seedbench.report.write.write_report` writes the folder, :func:`seedbench.report.console.summary_of` gives the summary for the
terminal.
"""
