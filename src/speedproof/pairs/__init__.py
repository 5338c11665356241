"""What is held against what, and on which inputs."""
