"""What is measured upon: the simulator, importers, adapters."""
