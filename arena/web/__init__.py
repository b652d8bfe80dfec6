"""The web server of the arena, and its pages."""
