"""Engines: a data set's shards, and galaxies that are cut out, made by processes of this machine or by a Spark cluster."""
