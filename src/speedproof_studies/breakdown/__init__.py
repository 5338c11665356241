"""Where a call of the batched twins of findings 1 and 2 goes, and so why it takes longer than the machine's floor."""
