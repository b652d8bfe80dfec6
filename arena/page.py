"""The script that Streamlit runs for every visitor; what it shows is in :mod:`seedbench.arena.views`."""

from seedbench.arena.views import show

if __name__ == "__main__":
    show()
