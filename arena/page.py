"""The script that Streamlit runs for every visitor; what it shows is in :mod:`arena.pages`."""

from arena.pages import show

show()
