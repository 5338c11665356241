"""Models and SAEs that others trained, from a folder or by name: found, held to their files, loaded."""
