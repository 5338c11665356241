"""Which kinds of models, SAEs and tokenizers the gate can be asked about, and by which API."""
