"""Claims about `speedproof.own`: pairs of anybody's."""
