"""How the findings that run on torch are asked: what their cards refer to, and nothing imports before it is needed."""
