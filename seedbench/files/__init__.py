"""Files on this machine: atomic writing, locks, hashes, temporary folders, strict YAML."""
