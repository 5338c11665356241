"""What is watched of torch's state and of modules, a topic a file."""
