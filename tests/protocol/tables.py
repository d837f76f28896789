"""Tables of any content, and splunkd's way to write them."""

from __future__ import annotations

import csv
import io

from hypothesis import strategies as st

PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
AWKWARD = st.text(st.sampled_from('ab1,"\n\r\0 $;=\x1d\x1eé€😀\udc80\udcff'), max_size=8)
ANY = st.one_of(AWKWARD, st.binary(max_size=6).map(lambda data: data.decode("utf-8", "surrogateescape")))
USUAL = st.sampled_from(["", "web-01", "12.5", "1700000000.000", "66", "a b"])
CELLS = st.one_of(USUAL, ANY)


def splunkd_cell(text: str) -> str:
    """splunkd's rule: everything that is not purely [A-Za-z0-9] stands in quotes."""
    return text if set(text) <= PLAIN else '"' + text.replace('"', '""') + '"'


def splunkd_csv(names: list[str], rows: list[list[str]], line_end: str = "\n", cell=splunkd_cell) -> bytes:
    lines = [",".join(map(cell, row)) + line_end for row in [names, *rows]]
    return "".join(lines).encode("utf-8", "surrogateescape")


def minimal_cell(text: str) -> str:
    """The rule of Python's csv module and of splunk-sdk."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerow([text])
    return stream.getvalue()[:-2]


def read_csv(data: bytes) -> list[list[str]]:
    """The records as Python's csv module reads them: the judge. NUL is exchanged, which Python 3.9's csv refuses."""
    text = data.decode("utf-8", "surrogateescape").replace("\0", "\ue000")
    return [[cell.replace("\ue000", "\0") for cell in row] for row in csv.reader(io.StringIO(text, newline=""))]


@st.composite
def tables(draw, min_columns: int = 1, max_rows: int = 12):
    """(names, rows): distinct names, which may be awkward too, and rows of awkward and usual cells."""
    names = draw(
        st.lists(st.one_of(USUAL.filter(bool), ANY.filter(bool)), min_size=min_columns, max_size=5, unique=True)
    )
    pick = draw(st.sampled_from([USUAL, CELLS, ANY]))
    rows = draw(st.lists(st.lists(pick, min_size=len(names), max_size=len(names)), max_size=max_rows))
    return names, rows
