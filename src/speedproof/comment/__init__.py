"""What a pull request is told: a file that the measuring job hands over, and the comment that is made of it."""
