"""SeedBench: evaluation, blind A/B arena and release gate for generators of video with sound."""

__version__ = "0.1.0"
