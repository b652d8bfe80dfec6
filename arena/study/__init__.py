"""Studies: from runs to ballots, and from votes to what the owner reads and takes away."""
