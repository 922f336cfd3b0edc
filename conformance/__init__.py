"""An outside judge: plans as data and a client of its own; it shares nothing with what it judges."""
