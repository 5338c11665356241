"""Counters: how much work a call does, the same on every machine and under any load.

Each counter is a context manager over a `Call` that yields a `Tally`. Counted calls are never timed. Those of Python
and of files need no library; those of torch, of a model and of a device are in `tensors`, `model` and `device`.
"""
