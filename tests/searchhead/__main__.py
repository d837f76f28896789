"""`python -m searchhead "<SPL>" [--rows file.csv]`: runs one search over this app and prints the rows as a table."""

from __future__ import annotations

import argparse
import os
import sys

from searchhead.head import SearchHead
from searchhead.table import Table, read_csv

APP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="search", description=__doc__)
    parser.add_argument("spl")
    parser.add_argument("--rows", help="CSV file with the events")
    parser.add_argument("--app", default=APP)
    parser.add_argument("--chunk-rows", type=int, default=50000)
    parser.add_argument("--indexers", type=int, default=0, help="simulated indexers that share the events")
    parser.add_argument("--limit", type=int, default=100, help="rows shown")
    options = parser.parse_args(argv)
    head = SearchHead(options.app, chunk_rows=options.chunk_rows, indexers=options.indexers)
    result = head.search(options.spl, read_csv(options.rows) if options.rows else None)
    sys.stdout.write(as_text(result.table, options.limit))
    for level, text in result.messages:
        sys.stdout.write(f"{level}: {text}\n")
    if options.indexers:
        sys.stdout.write(f"{result.rows_from_indexers} rows, {result.bytes_from_indexers} bytes from indexers\n")
    sys.stdout.write(f"{len(result.table)} rows, {result.seconds:.2f} s\n")
    return 1 if result.errors else 0


def as_text(table: Table, limit: int, widest: int = 60) -> str:
    """Aligned columns, multivalues joined by commas, long cells cut."""
    if not table.columns:
        return ""
    shown = [[name, *map(_cell, values[:limit])] for name, values in table.columns.items()]
    widths = [min(widest, max(map(len, cells))) for cells in shown]
    lines = [
        "  ".join(cell[:width].ljust(width) for cell, width in zip(cells, widths)).rstrip() for cells in zip(*shown)
    ]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value).replace("\n", " ")


if __name__ == "__main__":
    raise SystemExit(main())
