"""Mutation testing: small faults are planted in the twins and in the gate itself; each must be noticed."""
