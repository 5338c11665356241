"""Interpretability: models, SAEs, the oracle, rows and ranks as answers."""
