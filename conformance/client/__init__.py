"""The other direction: endpoints that software under test talks to, and a checklist of what it did there."""
