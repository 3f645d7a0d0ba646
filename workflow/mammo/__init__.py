"""The study as a library: a room imports from the rooms below it alone (docs/architecture.md)."""
