"""Leakage gates: statistics, probes, canaries, evidence."""
