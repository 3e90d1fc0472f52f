"""Scoring trained networks: predictions, metrics, completeness."""
