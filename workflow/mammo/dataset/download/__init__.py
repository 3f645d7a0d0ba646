"""Downloads of the public dataset."""
