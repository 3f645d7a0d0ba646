"""The synthetic dataset."""
