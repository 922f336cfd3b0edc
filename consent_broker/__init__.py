"""The consent broker: who may see and do what in a patient's record."""
