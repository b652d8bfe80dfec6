"""Processes: how a command is stopped, and how the programs it started end with it."""
