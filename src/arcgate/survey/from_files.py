"""What parents that are read from files have in common: their digest, PSFs that are measured apart, and galaxies that leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Generic, Protocol, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.ground.code_version import code_version
from arcgate.ground.hashing import as_plain, digest_of
from arcgate.hosts_node import FileHosts, counting
from arcgate.imaging import Imaging
from arcgate.survey.depth import depth_from_sky
from arcgate.survey.kernels import kernels_digest, with_kernels
from arcgate.survey.places import Unusable, counted

UNSERVED: Final = "a split that no PSF model serves, since none may be shared"


class Files(Protocol):
    """Files in which galaxies lie, or what reads them."""

    @property
    def hosts(self) -> FileHosts:
        """Specification."""
        ...

    @property
    def imaging(self) -> Imaging:
        """Of the stamps that are cut."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of specification, files and code."""
        ...


F = TypeVar("F", bound=Files)


def files_digest(hosts: FileHosts, imaging: Imaging, contents: Mapping[str, object], code: Sequence[str]) -> str:
    """SHA-256 of a specification as far as it counts, what its files are, PSF models included, and the modules that read them."""
    held = dict(contents)
    if hosts.kernels is not None:
        held["kernels"] = kernels_digest(hosts.kernels)
    return digest_of({"spec": counting(hosts), "imaging": as_plain(imaging), "contents": held, "code": code_version(code)})


@dataclass(frozen=True, eq=False)
class FileParents(Generic[F]):
    """Galaxies of files; what is missing of `Parents` is where their pixels lie.

    Attributes
    ----------
    files : Files
    catalogue : pandas.DataFrame
        Declared.
    kernels : pandas.DataFrame or None
        Measured PSFs that it names.
    indices : ndarray of int, shape (n,)
        Row of each galaxy among all of the files.
    lost : tuple of (str, Unusable)
        Galaxies that are no parents, by name.
    """

    files: F
    catalogue: pd.DataFrame
    kernels: pd.DataFrame | None
    indices: NDArray[np.int64]
    lost: tuple[tuple[str, Unusable], ...]

    def with_psfs(self, folder: Path, sky: pd.DataFrame | None = None, pixel_scale_arcsec: float = np.nan) -> Self:
        """With measured PSFs, where the survey declares any, and without galaxies of a split that no model serves.

        Parameters
        ----------
        folder : Path
            Where artifacts are kept.
        sky : DataFrame, optional
            Columns sky_sigma_<band>, nanomaggies, a row a galaxy: depths follow from these and the PSFs.
        pixel_scale_arcsec : float, optional
            Of the pixels that have this noise.
        """
        kernels, bands = self.files.hosts.kernels, self.imaging.bands
        if kernels is None:
            return self
        catalogue, table = with_kernels(self.catalogue, kernels, self.imaging, folder)
        if sky is not None:
            for band in bands:
                sigma, psfsize = sky[f"sky_sigma_{band}"].to_numpy(np.float64), catalogue[f"psfsize_{band}"].to_numpy(np.float64)
                catalogue[f"depth_{band}"] = depth_from_sky(sigma, psfsize, pixel_scale_arcsec)
        served = catalogue[[f"kernel_{band}" for band in bands]].notna().all(axis=1).to_numpy(bool)
        return replace(self, catalogue=catalogue, kernels=table).only(served, Unusable(UNSERVED, "too few models"))

    def only(self, kept: NDArray[np.bool_], why: Unusable) -> Self:
        """Some of the galaxies, and why the others leave."""
        lost = [(str(name), why) for name in self.catalogue["host_id"][~kept]]
        catalogue = self.catalogue[kept].reset_index(drop=True)
        return replace(self, catalogue=catalogue, indices=self.indices[kept], lost=(*self.lost, *lost))

    @property
    def left_out(self) -> dict[str, int]:
        """How many galaxies are no parents, by reason."""
        return counted(self.lost)

    @property
    def digest(self) -> str:
        """Of the files."""
        return self.files.digest

    @property
    def imaging(self) -> Imaging:
        """Of the stamps that are cut."""
        return self.files.imaging

    @property
    def cut_flow(self) -> list[tuple[str, int]]:
        """None where files were not cut out of a catalogue here."""
        return []

    def warm_up(self) -> None:
        """Nothing is compiled to read files."""
