"""The host: version gate, repairs of its released wheels, safe loading of checkpoints."""
