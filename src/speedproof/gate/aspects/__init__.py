"""What is watched of the program's state, a topic a file: how each is seen, and how it is put back."""
