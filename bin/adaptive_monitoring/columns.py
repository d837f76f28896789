"""Columns: named lists of text, equal lengths. The form in which rows travel inside the app."""

from __future__ import annotations

from adaptive_monitoring.errors import InternalError, MissingField

TYPE_CHECKING = False  # the name alone tells the type checker; importing typing costs 3 ms
if TYPE_CHECKING:
    from collections.abc import Iterable


class Columns:
    """A table of text, column by column.

    Limits: text only ('' = empty); a name occurs once; lists are kept, not copied.
    names: column names in order. data: one list per name, all of one length.
    """

    __slots__ = ("data", "names")

    def __init__(self, names: Iterable[str] = (), data: Iterable[list[str]] = ()) -> None:
        self.names: list[str] = list(names)
        self.data: list[list[str]] = list(data)
        if len(self.names) != len(self.data) or len(set(self.names)) != len(self.names):
            raise InternalError(
                f"columns: {len(self.names)} names (each once) need as many lists; got {len(self.data)}"
            )
        if len({len(values) for values in self.data}) > 1:
            raise InternalError(f"columns: lengths must be equal; got {[len(values) for values in self.data]}")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.data[0]) if self.data else 0

    def __repr__(self) -> str:
        return f"Columns({self.names}, {len(self)} rows)"

    def has(self, name: str) -> bool:
        return name in self.names

    def get(self, name: str) -> list[str]:
        """The list itself, not a copy. Raises MissingField."""
        try:
            return self.data[self.names.index(name)]
        except ValueError:
            raise MissingField(f'no field "{name}" in the rows; they have {", ".join(self.names) or "none"}') from None

    def select(self, names: Iterable[str]) -> Columns:
        """These columns in this order, sharing the lists. Raises MissingField."""
        wanted = list(names)
        return Columns(wanted, [self.get(name) for name in wanted])

    def add(self, name: str, values: list[str]) -> None:
        """Appends a column, or replaces the one of that name. Raises InternalError for a wrong length."""
        others = [column for other, column in zip(self.names, self.data) if other != name]
        if others and len(values) != len(others[0]):
            raise InternalError(f'columns: "{name}" needs {len(others[0])} values; got {len(values)}')
        if name in self.names:
            self.data[self.names.index(name)] = values
        else:
            self.names.append(name)
            self.data.append(values)
