"""How long, and how surely: samples, looks, intervals."""
