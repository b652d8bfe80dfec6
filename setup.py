"""What pyproject.toml cannot say: packages are found, and one more, the prompt suites, comes from a folder of another name."""

from setuptools import find_namespace_packages, setup

setup(packages=[*find_namespace_packages(include=["seedbench*", "metrics*", "generators*", "arena*"]), "seedbench.datasets"])
