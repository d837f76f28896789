"""The cells of a chunk as places in its bytes: numbers and keys are read from them without making texts.

Eight bytes of the chunk are one 64-bit number, so eight digits are turned into a number by a few multiplications for
all rows at once (SIMD within a register, Lamport 1975). Numbers with an exponent, more than 15 digits or anything else
than digits are read by Python's float(), so that every number is exactly the one it would have been.

Limits: short chunks, and those that splunkd would not write (rows of other widths, carriage returns, quotes out of
place), are left to protocol/body.py, which explains what is wrong with them: Cells.of returns None.
"""

from __future__ import annotations

import sys

import numpy as np

from adaptive_monitoring.engine.numbers import Floats, Ints, missing_as_nan, to_floats
from adaptive_monitoring.protocol.grid import decode, unquote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from adaptive_monitoring.protocol.body import Body

    #: Lengths and words of the keys of some rows, (n,) uint64 each, by a number that says which field and word.
    Keys = dict[int, np.ndarray]

QUOTE, COMMA, LINE_END, RETURN, MINUS, POINT = (ord(c) for c in '",\n\r-.')
FEW_BYTES = 20_000  # shorter bodies are read faster as texts
MOST_WORDS = 8  # longer keys are read as texts
_PAD = 8 * MOST_WORDS  # bytes in front of the first record, so that the words before a cell's end exist
_EXACT_DIGITS = 15  # more do not fit into the 53 bits of a float64 exactly
_PROBED = 200  # rows that tell whether a column's values repeat
_TENS = 10.0 ** np.arange(_EXACT_DIGITS + 1)
_INTEGER_TENS = 10 ** np.arange(_EXACT_DIGITS + 1)


#: Multipliers of the words of a key.
_ODD = [(0x9E3779B97F4A7C15 * (2 * i + 1)) % (1 << 64) for i in range(61)]


def _everywhere(byte: int) -> int:
    return byte * 0x0101010101010101


#: By length: the bytes of a word that lie in front of its last so many ones.
_FRONT = np.array([(1 << 8 * (8 - length)) - 1 for length in range(9)], dtype=np.uint64)
_ZEROS = _FRONT & np.uint64(_everywhere(ord("0")))


def slices(body: Body, size: int) -> list[Body]:
    """Bodies of about so many bytes each; what is hardly larger stays whole. Fast where rows are full of quotes."""
    data, start, end = body.span()
    if end - start <= 2.5 * size:
        return [body]
    quotes = np.frombuffer(data, dtype=np.uint8) == QUOTE
    cuts = [start]
    while cuts[-1] < end:
        at = data.find(b"\n", min(cuts[-1] + size, end - 1), end) + 1 or end
        while at < end and np.count_nonzero(quotes[cuts[-1] : at]) % 2:  # the line end stands in quotes
            at = data.find(b"\n", at, end) + 1 or end
        cuts.append(at)
    return [body.part(a, b) for a, b in zip(cuts[:-1], cuts[1:])]


class Cells:
    """Rows of equal width. starts, ends: (rows, width) places of the cells, quotes included."""

    @classmethod
    def of(cls, body: Body) -> Cells | None:
        """The cells of a body, None where it is not written as splunkd writes it."""
        data, start, end = body.span()
        if end - start < FEW_BYTES:
            return None
        if sys.byteorder != "little" or not body.names:
            return None
        ended = start == end or data[end - 1 : end] == b"\n"  # a header alone may lack its line end
        if start < _PAD or not ended:
            data = bytes(_PAD) + data[start:end] + (b"" if ended else b"\n")
            start, end = _PAD, len(data)
        out = cls(data)
        return out if out._cut(start, end, len(body.names)) else None

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes = np.frombuffer(data, dtype=np.uint8)
        self.words: np.ndarray = np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
        self._one_line_each = False
        self._inners: dict[int, tuple[Ints, Ints]] = {}
        self.starts = self.ends = np.zeros((0, 0), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.ends)

    def _cut(self, start: int, end: int, width: int) -> bool:
        """Finds the cells; False when they are not as they should be."""
        part = self.bytes[start:end]
        quotes, line_ends = part == QUOTE, part == LINE_END
        marks = np.flatnonzero(quotes | (part == COMMA) | line_ends)
        if quotes.any():
            is_quote = part.take(marks) == QUOTE
            outside = ~np.logical_xor.accumulate(is_quote)
            if not self._in_order(marks, is_quote, outside):
                return False
            marks = marks.take(np.flatnonzero(outside & ~is_quote))  # much faster than marks[...]
        if len(marks) % width:
            return False
        ends = (marks + start).reshape(-1, width)
        kinds = self.bytes.take(ends)
        if not (kinds[:, -1] == LINE_END).all() or not (kinds[:, :-1] == COMMA).all():
            return False
        self.ends, self._one_line_each = ends, np.count_nonzero(line_ends) == len(ends)
        if (self.bytes.take(ends[:, -1] - 1) == RETURN).any():  # line ends of two bytes
            return False
        self.starts = np.empty_like(ends)
        flat = self.starts.reshape(-1)
        flat[:1], flat[1:] = start, ends.reshape(-1)[:-1] + 1
        return True

    @staticmethod
    def _in_order(marks: Ints, is_quote: np.ndarray, outside: np.ndarray) -> bool:
        """Whether opening quotes follow a separator and closing ones precede one, unless they are doubled."""
        beside = np.empty(len(marks) + 1, dtype=bool)
        beside[0] = marks[0] == 0 if len(marks) else False
        beside[1:-1] = marks[1:] - marks[:-1] == 1
        beside[-1] = False
        opening = is_quote & ~outside
        closing = is_quote & outside
        return bool(outside[-1]) and not (opening & ~beside[:-1]).any() and not (closing & ~beside[1:]).any()

    def lines(self) -> list[str]:
        """The records as they came."""
        if not len(self):
            return []
        first, last = int(self.starts[0, 0]), int(self.ends[-1, -1])
        text = decode(self.data[first:last])
        if self._one_line_each:
            return text.split("\n")
        begin, end = self.starts[:, 0].tolist(), self.ends[:, -1].tolist()
        if text.isascii():
            return [text[a - first : b - first] for a, b in zip(begin, end)]
        return [decode(self.data[a:b]) for a, b in zip(begin, end)]

    def texts(self, place: int, rows: Ints | None = None) -> list[str]:
        """Values of one column. rows: only these."""
        some = slice(None) if rows is None else rows
        begin, end = self.starts[some, place].tolist(), self.ends[some, place].tolist()
        return [unquote(decode(self.data[a:b])) for a, b in zip(begin, end)]

    def empty(self, place: int) -> np.ndarray:
        """Which values of one column are empty; all of a column that is not there (−1)."""
        if place < 0:
            return np.ones(len(self), dtype=bool)
        begin, end = self._inner(place)
        return begin >= end

    def _inner(self, place: int) -> tuple[Ints, Ints]:
        """Where the values of one column begin and end, without their quotes."""
        found = self._inners.get(place)
        if found is None:
            begin, end = self.starts[:, place], self.ends[:, place]
            quoted = self.bytes.take(begin) == QUOTE  # an empty cell shows its separator
            found = self._inners[place] = begin + quoted, end - quoted
        return found

    def numbers(self, place: int) -> Floats:
        """Numbers of one column, as to_floats() reads its texts. What repeats from row to row is read once."""
        begin, end = self._inner(place)
        starts = self._runs(begin, end)
        if starts is None:
            return self._numbers(place, np.arange(len(self)), begin, end)
        values = self._numbers(place, starts, begin.take(starts), end.take(starts))
        return values.repeat(np.diff(np.append(starts, len(self))))

    def _runs(self, begin: Ints, end: Ints) -> Ints | None:
        """Rows where another value begins, None where values hardly repeat or are long."""
        length = end - begin
        if len(length) < _PROBED or self._changes(end[:_PROBED], length[:_PROBED]).sum() > _PROBED // 4:
            return None
        if int(length.max()) > 16:
            return None
        return np.flatnonzero(self._changes(end, length))

    def _changes(self, end: Ints, length: Ints) -> np.ndarray:
        """Whether a value of at most 16 characters differs from the one before. (n,), the first one does."""
        out = np.ones(len(end), dtype=bool)
        out[1:] = length[1:] != length[:-1]
        for first in (0, 8):
            word = self.words[end - first - 8] & ~_FRONT.take(np.clip(length - first, 0, 8))
            out[1:] |= word[1:] != word[:-1]
        return out

    def _numbers(self, place: int, rows: Ints, begin: Ints, end: Ints) -> Floats:
        """Numbers of some rows of a column; begin, end: of their values."""
        negative = self.bytes.take(begin) == MINUS
        begin = begin + negative
        length = end - begin
        last = self.words[end - 8]
        fraction, point = _after_point(last, np.clip(length, 0, 8))
        whole = length - fraction - point
        empty = length == 0
        ok = (whole + fraction <= _EXACT_DIGITS) & (whole + fraction > 0)
        whole = np.where(ok, whole, 0)
        value, fine = _eight_digits(self.words[end - fraction - point - 8], np.minimum(whole, 8))
        ok &= fine
        if (whole > 8).any():
            upper, fine = _eight_digits(self.words[end - fraction - point - 16], np.maximum(whole - 8, 0))
            value += upper * 100_000_000
            ok &= fine
        if point.any():
            part, fine = _eight_digits(last, fraction)
            ok &= fine
            out = (value * _INTEGER_TENS.take(fraction) + part) / _TENS.take(fraction)
        else:
            out = value.astype(np.float64)
        if negative.any():
            out = np.where(negative, -out, out)
        if empty.any():
            out[empty], ok[empty] = np.nan, True
        if not ok.all():
            others = np.flatnonzero(~ok)
            out[others] = to_floats(self.texts(place, rows[others]))
        return missing_as_nan(out)

    def keys(self, places: Sequence[int]) -> Keys | None:
        """What tells the keys of the rows apart. None = their texts must be read: quotes inside, or very long ones."""
        out: Keys = {}
        for field, place in enumerate(places):
            begin, end = self._inner(place)
            length = end - begin
            longest = int(length.max(initial=0))
            if longest > 8 * MOST_WORDS:
                return None
            out[field * (MOST_WORDS + 1)] = length.astype(np.uint64)
            for j in range((longest + 7) // 8):
                front = _FRONT.take(np.clip(length - 8 * j, 0, 8))
                word = self.words[end - 8 * j - 8] & ~front
                if _has(word, QUOTE).any():
                    return None
                out[field * (MOST_WORDS + 1) + 1 + j] = word
        return out


def _has(word: np.ndarray, byte: int) -> np.ndarray:
    """0 where no byte of the word is this one; else the lowest bit that is set is the highest bit of the first one."""
    other = word ^ np.uint64(_everywhere(byte))
    return (other - np.uint64(_everywhere(0x01))) & ~other & np.uint64(_everywhere(0x80))


def _after_point(word: np.ndarray, length: Ints) -> tuple[Ints, Ints]:
    """How many of the last characters stand behind a point, and whether there is one (1 or 0).

    word: eight characters, of which the last `length` count.
    """
    front = _FRONT.take(length)
    found = _has((word & ~front) | (front & np.uint64(_everywhere(ord("0")))), POINT)
    point = found != 0
    if not point.any():
        nothing = np.zeros(len(word), dtype=np.int64)
        return nothing, nothing
    lowest = (found & (~found + np.uint64(1))).astype(np.float64)
    bit = (lowest.view(np.int64) >> 52) - 1023  # the exponent of a power of two
    return np.where(point, 7 - (bit >> 3), 0), point.astype(np.int64)


def _eight_digits(word: np.ndarray, length: Ints) -> tuple[Ints, np.ndarray]:
    """The number that the last `length` (0 … 8) characters of each word write, and whether all of them are digits."""
    word = (word & ~_FRONT.take(length)) | _ZEROS.take(length)
    value = word - np.uint64(_everywhere(ord("0")))
    fine = ((word + np.uint64(_everywhere(0x46))) | value) & np.uint64(_everywhere(0x80)) == 0
    value = value * np.uint64(10) + (value >> np.uint64(8))
    low, high = np.uint64(0x000000FF000000FF), np.uint64(16)
    value = (value & low) * np.uint64(0x000F424000000064) + ((value >> high) & low) * np.uint64(0x0000271000000001)
    return (value >> np.uint64(32)).astype(np.int64), fine


class Known:
    """Numbers of keys that were seen before, by the words of their bytes: an open-addressed table for many at once."""

    def __init__(self) -> None:
        self.slots = np.zeros(1024, dtype=np.int64)  # place of a key + 1, 0 = free
        self.words: dict[int, np.ndarray] = {}  # (keys,) each; a word that is not there is 0 in all
        self.number = np.zeros(0, dtype=np.int64)

    def find(self, keys: Keys) -> tuple[Ints, np.ndarray]:
        """Number of each key, and which rows have a key that is not known: −1 there."""
        slot = self._slot(keys)
        out, unknown = np.full(len(slot), -1, dtype=np.int64), np.ones(len(slot), dtype=bool)
        rows = np.arange(len(slot)) if len(self.number) else np.zeros(0, dtype=np.int64)
        while len(rows):
            place = self.slots.take(slot) - 1
            hit = self._same(keys, place, rows if len(rows) < len(out) else None) & (place >= 0)
            if hit.all():
                out[rows], unknown[rows] = self.number.take(place), False
                break
            found = rows[hit]
            out[found], unknown[found] = self.number.take(place[hit]), False
            on = ~hit & (place >= 0)  # another key sits there
            rows, slot = rows[on], (slot[on] + 1) & (len(self.slots) - 1)
        return out, unknown

    def add(self, keys: Keys, rows: Ints, numbers: Ints) -> None:
        """Remembers the keys of these rows, which differ from each other and from all known ones."""
        old = len(self.number)
        nothing = np.zeros(old, dtype=np.uint64), np.zeros(len(rows), dtype=np.uint64)
        self.words = {
            i: np.concatenate([self.words.get(i, nothing[0]), keys[i][rows] if i in keys else nothing[1]])
            for i in {*self.words, *keys}
        }
        self.number = np.concatenate([self.number, numbers])
        if 4 * len(self.number) > len(self.slots):
            self.slots, old = np.zeros(1 << (8 * len(self.number)).bit_length(), dtype=np.int64), 0
        taken, last = self.slots, len(self.slots) - 1
        for i, slot in enumerate(self._slot({i: word[old:] for i, word in self.words.items()}).tolist(), old + 1):
            while taken[slot]:
                slot = (slot + 1) & last
            taken[slot] = i

    def _same(self, keys: Keys, place: Ints, rows: Ints | None) -> np.ndarray:
        """Whether these rows (None = all) have the keys at these places."""
        same = np.ones(len(place), dtype=bool)
        for i in {*self.words, *keys}:
            word: np.ndarray | np.uint64 = np.uint64(0)
            if i in keys:
                word = keys[i] if rows is None else keys[i][rows]
            same &= word == (self.words[i].take(place) if i in self.words else np.uint64(0))
        return same

    def _slot(self, keys: Keys) -> Ints:
        """Where a key is looked for first: multiplicative hashing of its words; those that are 0 add nothing."""
        mixed = np.zeros(len(next(iter(keys.values()))), dtype=np.uint64)
        for i, word in keys.items():
            mixed += (word ^ (word >> np.uint64(29))) * np.uint64(_ODD[i % len(_ODD)])
        mixed ^= mixed >> np.uint64(32)
        mixed *= np.uint64(0xD6E8FEB86659FD93)
        return (mixed >> np.uint64(65 - len(self.slots).bit_length())).astype(np.int64)
