"""Judging one message: what is wrong with it, where, by which rule, and how to put it right."""
