"""Files on this machine: written whole, locked, hashed, read as strict YAML."""
