"""The script that Streamlit runs for every visitor; what it shows is in :mod:`arena.views`."""

from arena.views import show

if __name__ == "__main__":
    show()
