"""Clips: one media file decoded once, and known degradations of it."""
