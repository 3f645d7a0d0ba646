"""What is in a dataset: files, lesions, pixels, duplicates."""
