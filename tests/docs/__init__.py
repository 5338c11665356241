"""Claims about the documentation: its pages do what they say."""
