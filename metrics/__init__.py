"""What is measured: one module a metric, over shared analyses and features."""
