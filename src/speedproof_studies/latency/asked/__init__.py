"""Small pairs as a user has them: a reference, a candidate, and what makes inputs."""
