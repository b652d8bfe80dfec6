"""The script that Streamlit runs for every visitor; what it shows is in :mod:`seedbench.arena.web.views`."""

from seedbench.arena.web.views import show

if __name__ == "__main__":
    show()
