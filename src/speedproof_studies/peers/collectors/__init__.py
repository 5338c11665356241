"""The peers: one module a library, each a function with the definition's parameters."""
