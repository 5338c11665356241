"""Claims, one a test. Every checker has a companion in which it must reject something."""
