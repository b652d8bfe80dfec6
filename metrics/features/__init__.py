"""Embeddings of whole clips, for the set metrics."""
