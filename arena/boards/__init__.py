"""Leaderboards as pure functions of a vote log and a rules file."""
