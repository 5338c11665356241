"""Models and SAEs of SAELens' registry, by name, from the Hugging Face hub or its cache."""
