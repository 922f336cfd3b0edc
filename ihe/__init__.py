"""What the IHE Technical Framework says, as tables; nothing here computes."""
