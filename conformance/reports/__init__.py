"""What became of a run, told to people, to build servers and to programs."""
