"""Leakage gates: one module a gate, and the rooms that they share (docs/decisions/0017)."""
