"""The commands of ``seedbench arena``, by subject; :mod:`seedbench.arena.commands` puts them together."""
