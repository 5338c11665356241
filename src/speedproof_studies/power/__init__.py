"""The power study: which tool sees an injected slowdown, and which cries wolf, on the same code at the same budget.

Imports nothing, so that the tools' own processes start fast.
"""
