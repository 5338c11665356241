"""What a call does beside its answer: to the process, to the global random generators, to files."""
