"""Training the reference model: its tokenizers, then the joint model or its cascaded twin. Needs the extra ``train``."""
