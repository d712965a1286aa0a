"""Commands: one module per tool, of the same name."""
