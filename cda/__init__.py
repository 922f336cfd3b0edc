"""Clinical documents (CDA R2): what their header says for the registry, read without any I/O."""
