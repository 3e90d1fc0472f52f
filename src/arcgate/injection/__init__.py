"""Injection: manifest, controls, core mask, and the shards that hold the result."""
