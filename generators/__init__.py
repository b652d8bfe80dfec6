"""The systems that are evaluated: the simulator, the reference model, importers, adapters."""
