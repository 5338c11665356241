"""The study of bursts: what load that comes and goes does to an interval, and what a quiet machine gives."""
