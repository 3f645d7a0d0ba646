"""How the files and tables of each edition are read."""
