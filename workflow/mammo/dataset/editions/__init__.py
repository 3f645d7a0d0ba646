"""How each published form of a dataset is read."""
