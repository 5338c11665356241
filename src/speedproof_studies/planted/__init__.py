"""The study of two sides: changes are planted into copies of the twins, and those that are told are counted."""
