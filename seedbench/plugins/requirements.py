"""What a plug-in needs of the machine beyond weights."""

from __future__ import annotations


class Requirements:
    """What generators and metrics have in common: they say what they lack."""

    @classmethod
    def missing_requirements(cls) -> tuple[str, ...]:
        """What this machine lacks for some of its clips or prompts, besides weights; ``seedbench doctor`` shows it.

        Returns:
            Sentences that say what is missing, for what, and how to install it. Empty: nothing is missing.
        """
        return ()
