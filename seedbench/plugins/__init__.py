"""What metrics and generators declare, and how they are found, checked and given their weights."""
