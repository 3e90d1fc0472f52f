"""What happens around a sweep."""

from __future__ import annotations

import tempfile
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write


class StudyCallback(Callback):
    """Keeps the configuration of a sweep, for what the command line does at its end.

    Hydra turns whatever a callback raises into a warning, and calls none at the end of a sweep with a failed job: so the study's
    table is printed by the command line.

    Attributes
    ----------
    swept : DictConfig or None
        Configuration of the sweep that began last in this process.
    """

    swept: ClassVar[DictConfig | None] = None

    @classmethod
    def last(cls) -> DictConfig | None:
        """Give the configuration of the sweep that began last, and forget it."""
        last, cls.swept = cls.swept, None
        return last

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Keep the configuration, and send Hydra's own notes on a dry run to a folder that goes with it."""
        if config.dry_run:
            # Kept by this object, which lives as long as the sweep; the folder is removed with it.
            self._scratch = tempfile.TemporaryDirectory(prefix="arcgate-dry-run-")
            with read_write(config), open_dict(config):
                config.hydra.sweep.dir = self._scratch.name
                # The jobs compose their configurations anew.
                config.hydra.overrides.hydra.append(f'hydra.sweep.dir="{self._scratch.name}"')
        StudyCallback.swept = config

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Remove what a dry run left."""
        if config.dry_run:
            self._scratch.cleanup()
