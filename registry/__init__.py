"""The Document Registry: what it stores and how it answers (ITI TF-1: 10.1.1.3)."""
