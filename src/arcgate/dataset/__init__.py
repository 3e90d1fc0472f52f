"""Data sets on disk: schema, shards, card, digests, cache and reader; the contract that the later stages import."""

from arcgate.dataset.reader import Dataset, StampBatch, open_dataset

__all__ = ["Dataset", "StampBatch", "open_dataset"]
