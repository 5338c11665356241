"""Two sides held against each other: answers, work and time, in two environments called in turn."""
