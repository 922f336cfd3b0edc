"""What the kit sends, built from the words of plans; nothing here is shared with what is judged."""
