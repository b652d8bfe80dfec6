"""The script that Streamlit runs for every visitor; the pages are in :mod:`seedbench.arena.web.views`."""

from seedbench.arena.web.views import show

if __name__ == "__main__":
    show()
