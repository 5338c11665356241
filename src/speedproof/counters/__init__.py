"""Counters: how much work a call does, the same on every machine and under any load.

Each counter is a context manager over a `Call` that yields a `Tally`. Counted calls are never timed. Those of Python
and of files need no library; those of torch are in `tensors/counters.py`, those of a model in `lens/counters.py`.
"""
