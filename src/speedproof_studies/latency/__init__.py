"""How long a user waits for a command, and how much memory it takes: whole processes, from the shell."""
