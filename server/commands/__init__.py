"""The commands of `coffre`, a module per subject; what takes long to import is imported when it is needed."""
