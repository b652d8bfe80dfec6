"""The vote log: reading, writing, which votes count, signs of odd voters."""
