"""The study of two sides: changes are planted into copies of the twins, and those that a comparison tells are counted."""
