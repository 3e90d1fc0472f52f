"""What happens around a sweep: the study's table at its end."""

from __future__ import annotations

from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig


class StudyCallback(Callback):
    """Prints the study's table when a sweep has ended.

    The table's files and the parent run are brought up to date by every variant that ends; this only shows them.
    """

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Print the table of the study that the sweep belongs to."""
        from arcgate.report import print_study

        if not config.dry_run:
            print_study(config.study, config.runtime.mlruns_dir, config.runtime.data_dir)
