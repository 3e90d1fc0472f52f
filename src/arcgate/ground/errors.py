"""The errors that arcgate raises on purpose: what went wrong, where, and what to do."""

from __future__ import annotations


class ArcgateError(Exception):
    """A problem that the user can act on.

    Caught at the command line's edge, where it becomes one message without a traceback.

    Parameters
    ----------
    what : str
        What is wrong, naming what was sought and what was found.
    where : object, optional
        The file, row, column or configuration key.
    todo : str, optional
        What to do next.
    """

    def __init__(self, what: str, *, where: object = None, todo: str | None = None) -> None:
        self.what = what
        self.where = where
        self.todo = todo
        lines = [what]
        if where is not None:
            lines.append(f"  where: {where}")
        if todo is not None:
            lines.append(f"  to do: {todo}")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not survive the trip back from a worker process by themselves.
        return (_rebuild, (type(self), self.what, self.where, self.todo))


class UnfitDataError(ArcgateError):
    """Stamps or rows that cannot be looked at: what needs them is not judged, and everything else is."""


def _rebuild(kind: type[ArcgateError], what: str, where: object, todo: str | None) -> ArcgateError:
    return kind(what, where=where, todo=todo)
