"""Where a user comes in beside the command line: tests, notebooks, files that hold a pair from now on."""
