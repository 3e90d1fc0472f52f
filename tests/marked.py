"""Folders whose tests are marked `portable`: numbers that the kernels of another processor could move."""

PORTABLE = frozenset({"evaluation", "gates", "injection", "learning", "lensing", "oracles", "survey", "views"})
