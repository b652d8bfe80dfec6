"""The script that Streamlit runs for every visitor; what it shows is in :mod:`arena.pages`."""

from arena.pages import show

if __name__ == "__main__":
    show()
