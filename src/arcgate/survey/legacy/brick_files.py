"""Which files of a brick are read, what they are by name, size and checksum, and whether they are what the survey published."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from arcgate.survey.legacy.layout import MASKBITS, SurveyFolder
from arcgate.survey.legacy.planes import DamagedError, missing

# So many bytes of the beginning and the end of a file stand for it where the survey gives no checksum.
_SAMPLE: Final = 5760


@dataclass(frozen=True)
class BrickFiles:
    """The files that galaxies of a brick are cut from.

    Attributes
    ----------
    folder : SurveyFolder
    brick : str
    bands : tuple of str
    masks : bool
        Whether the survey's mask bits are read beside inverse variances.
    """

    folder: SurveyFolder
    brick: str
    bands: tuple[str, ...]
    masks: bool

    def plane(self, kind: str, band: str | None) -> Path:
        """File of an image."""
        return self.folder.coadd(self.brick, kind, band)

    def planes(self) -> Iterator[tuple[str, Path]]:
        """Kind and file of every image that is read."""
        for band in self.bands:
            for kind in ("image", "invvar"):
                yield kind, self.plane(kind, band)
        if self.masks:
            yield MASKBITS, self.plane(MASKBITS, None)

    def absent(self, sums: bool = False) -> DamagedError | None:
        """What to say of the first file that is not there; with `sums` the list of checksums is one of them."""
        absent = next((missing(path, kind) for kind, path in self.planes() if not path.is_file()), None)
        listed = self.folder.checksums(self.brick)
        return _no_sum(next(self.planes())[1], listed) if absent is None and sums and not listed.is_file() else absent

    def size(self) -> int | None:
        """Bytes of the files; None where one of them is not there."""
        try:
            return sum(path.stat().st_size for _, path in self.planes())
        except FileNotFoundError:
            return None

    def identity(self) -> list[list[str | int]]:
        """Name, size and checksum of each file: the survey's checksum where it gives one, else one of the file's ends."""
        listed = published(self.folder.checksums(self.brick))
        found: list[list[str | int]] = []
        for _, path in self.planes():
            if path.is_file():
                found.append([path.name, path.stat().st_size, listed.get(path.name) or of_ends(path)])
            else:
                found.append([path.name, -1, "missing"])
        return found

    def verify(self) -> None:
        """Compare the files with the survey's checksums.

        Raises
        ------
        DamagedError
            One differs, or none is given for it.
        """
        path = self.folder.checksums(self.brick)
        listed = published(path)
        for _, file in self.planes():
            if file.name not in listed:
                raise _no_sum(file, path)
            with file.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != listed[file.name]:
                raise DamagedError(
                    f"the SHA-256 of {file.name} is {found[:12]}..., the survey's is {listed[file.name][:12]}...",
                    where=file,
                    todo="download it again",
                )


def _no_sum(file: Path, path: Path) -> DamagedError:
    return DamagedError(
        f"no checksum of {file.name} is given" + ("" if path.is_file() else f": there is no {path.name}"),
        where=path,
        todo="download the list beside the brick, or do without: data.hosts.verify=none",
    )


def published(path: Path) -> dict[str, str]:
    """SHA-256 by name of file, from a survey's list (`<sum> *<path>` a line); empty where there is no list."""
    if not path.is_file():
        return {}
    lines = (line.split(maxsplit=1) for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return {words[1].lstrip("*").strip().rsplit("/", 1)[-1]: words[0].lower() for words in lines if len(words) == 2}


def identities(files: Sequence[BrickFiles]) -> str:
    """SHA-256 over the identities of some bricks' files, in this order."""
    digest = hashlib.sha256()
    for brick in files:
        digest.update(f"{brick.folder.footprint}/{brick.brick}: {brick.identity()}\n".encode())
    return digest.hexdigest()


def of_ends(path: Path) -> str:
    """SHA-256 of a file's first and last bytes, for files too large to be read for their name's sake."""
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
        file.seek(max(0, path.stat().st_size - _SAMPLE))
        return hashlib.sha256(start + file.read()).hexdigest()
