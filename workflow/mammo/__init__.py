"""The study as a library: each folder is a room, which imports from the rooms below it alone (docs/architecture.md)."""
