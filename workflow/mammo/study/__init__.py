"""A study as a whole: its settings, its names, its results folder, the machines it runs on."""
