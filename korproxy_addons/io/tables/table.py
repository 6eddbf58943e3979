"""What an area keeps in the database."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """
    One area's part of the schema, with a version of its own.

    Attributes:
        name: The area, the key of its version.
        statements: The n-th brings the area from version n - 1 to n. The list only grows: a statement that was shipped is
            never changed.
        pruned_by: Run when the database is opened and once an hour; each has one parameter, the time in Unix seconds.
    """

    name: str
    statements: tuple[str, ...]
    pruned_by: tuple[str, ...] = ()
