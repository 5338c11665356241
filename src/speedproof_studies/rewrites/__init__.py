"""The study of the gate's other side: right functions, drawn from a seed, none of which it may reject."""
