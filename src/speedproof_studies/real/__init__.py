"""A real pretrained subject that needs no hub: where its model comes from, and how its SAEs are trained."""
