"""Data sets on disk: schema, shards, card, digests, cache and reader; the contract that the later stages import."""

from arcgate.dataset.reader import Batch, Dataset, open_dataset

__all__ = ["Batch", "Dataset", "open_dataset"]
