"""Values of anybody's: what stands at each place, and how far a number may be from the right one."""
