"""Engines that run shards."""
