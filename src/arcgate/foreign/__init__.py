"""Layouts of other makers as data sets: identity first, then rows, pairs and what is not recorded."""
