"""What this machine is, can do, and is doing beside us."""
