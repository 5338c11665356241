"""The ruler: proves twins equivalent, then measures them. Start at README.md in this folder."""
