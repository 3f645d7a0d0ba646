"""Who is in training, validation and test, and whether that is sound."""
