"""Is it the same answer? Certificates, and why there is none."""
