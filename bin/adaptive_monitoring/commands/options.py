"""The grammar of every command: `<fields> [AS name] [by <fields>] [into <collection>] name=value`.

BY, AS and INTO in any case; `k = v` with spaces and `k=v` are the same; commas between fields may be there or not;
quotes keep spaces and take their meaning from BY, AS, INTO, = and commas. Options may stand anywhere.
"""

from __future__ import annotations

import re

from adaptive_monitoring.commands.kinds import NAME, Option
from adaptive_monitoring.errors import BadGrammar, BadValue, MissingArgument, UnknownOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

PIECE = re.compile(r'\s*("(?:[^"\\]|\\.)*"|,|=|[^\s,="]+)\s*', re.DOTALL)
OPTION = re.compile(r'([^\s,="]+)=(.*)\Z', re.DOTALL)
PERCENT = re.compile(r"\d+(?:\.\d+)?%\Z")
NEVER = re.compile(r"_time\Z|_chunked_idx\Z|__mv_")


class Spec:
    """What a command takes.

    fields, by, into: "none", "optional" or "required". required: options without which the command cannot do.
    usage: the line that a message about something missing shows.
    """

    def __init__(
        self,
        command: str,
        options: Iterable[Option] = (),
        fields: str = "none",
        by: str = "none",
        into: str = "none",
        required: Iterable[str] = (),
        usage: str = "",
    ) -> None:
        self.command = command
        self.options = {option.name: option for option in options}
        self.fields = fields
        self.by = by
        self.into = into
        self.required = list(required)
        self.usage = usage or command


class Arguments:
    """What was typed. Every option of the Spec is an attribute, with its default when it was not typed.

    fields: (name or pattern, alias or None) in order. by: names, each once. into: the collection, None when absent.
    given: names of the options that were typed.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self.fields: list[tuple[str, str | None]] = []
        self.by: list[str] = []
        self.into: str | None = None
        self.options = options
        self.given: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["options"][name]
        except KeyError:
            raise AttributeError(name) from None


def parse(args: Sequence[str], spec: Spec) -> Arguments:
    """Reads the words behind the command. Raises UnknownOption, BadValue, BadGrammar, MissingArgument."""
    parser = _Parser(spec)
    for arg in _glue(args):
        found = OPTION.match(arg)
        if found:
            parser.option(found.group(1), found.group(2))
        else:
            for text, quoted in _pieces(arg, spec.command):
                parser.word(text, quoted)
    return parser.finish()


def expand(patterns: Iterable[str], names: Sequence[str], by: Iterable[str] = ()) -> list[str]:
    """The fields meant by names and * patterns, each once, in the order typed, then in the order of names.

    A name without * is kept even if it is not in names. A pattern never matches _time, by fields, multivalue companions
    or the row number, and matches names that start with _ only if it starts with _ itself.
    """
    excluded = set(by)
    found: dict[str, None] = {}
    for pattern in patterns:
        if "*" not in pattern:
            found[pattern] = None
            continue
        match = re.compile(".*".join(map(re.escape, pattern.split("*"))) + r"\Z", re.DOTALL).match
        hidden = not pattern.startswith("_")
        for name in names:
            if match(name) and name not in excluded and not NEVER.match(name) and not (hidden and name[:1] == "_"):
                found[name] = None
    return list(found)


class _Parser:
    """Takes the words one by one; `clause` says what the next one means."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.found = Arguments({name: option.default for name, option in spec.options.items()})
        self.clause = "fields"
        self.seen: set[str] = set()

    def option(self, name: str, typed: str) -> None:
        option = self.spec.options.get(name)
        if option is None:
            raise UnknownOption(f'{self.spec.command}: no option "{name}"{_nearest(name, self.spec.options)}')
        if name in self.found.given:
            raise self._grammar(f"{name} is given twice")
        value = _value(typed, self.spec.command)
        try:
            self.found.options[name] = option.read(value)
        except ValueError:
            raise BadValue(f'{self.spec.command}: {name} must be {option.allowed}; got "{value}"') from None
        self.found.given.add(name)
        self._leave(name)

    def word(self, text: str, quoted: bool) -> None:
        keyword = "" if quoted else text.lower()
        if keyword in ("as", "by", "into"):
            self._keyword(keyword)
        elif text == "=" and not quoted:
            raise self._grammar("= without a name before it")
        else:
            getattr(self, f"_{self.clause}_word")(text)

    def finish(self) -> Arguments:
        spec, found = self.spec, self.found
        if self.clause in ("as", "into") or (self.clause == "by" and not found.by):
            raise self._missing(f"nothing follows {self.clause.upper()}")
        for clause, typed in (("fields", found.fields), ("by", found.by), ("into", found.into)):
            if getattr(spec, clause) == "required" and not typed:
                raise self._missing("no fields" if clause == "fields" else f"{clause} is missing")
        for name in spec.required:
            if name not in found.given:
                raise self._missing(f"{name}= is missing; it must be {spec.options[name].allowed}")
        return found

    def _keyword(self, keyword: str) -> None:
        if self.clause in ("as", "into") or (self.clause == "by" and not self.found.by):
            raise self._grammar(f'"{keyword}" cannot follow {self.clause.upper()}; put a field of that name in quotes')
        if keyword == "as":
            if self.clause != "fields" or not self.found.fields or self.found.fields[-1][1] is not None:
                raise self._grammar("AS must follow a field")
        elif getattr(self.spec, keyword) == "none":
            raise self._grammar(f"it takes no {keyword.upper()}")
        elif keyword in self.seen:
            raise self._grammar(f"{keyword.upper()} is given twice")
        self.seen.add(keyword)
        self.clause = keyword

    def _fields_word(self, text: str) -> None:
        if self.spec.fields == "none":
            raise self._grammar(f'it takes no fields; got "{text}"')
        self.found.fields.append((text, None))

    def _as_word(self, text: str) -> None:
        field = self.found.fields[-1][0]
        if "*" in field or "*" in text:
            raise self._grammar(f'AS takes one plain field and one plain name; got "{field}" AS "{text}"')
        self.found.fields[-1] = (field, text)
        self.clause = "fields"

    def _by_word(self, text: str) -> None:
        if "*" in text:
            raise self._grammar(f'a field behind BY cannot be a pattern; got "{text}"')
        if text not in self.found.by:
            self.found.by.append(text)

    def _into_word(self, text: str) -> None:
        if not NAME.match(text):
            allowed = "1 to 64 of the characters A-Z a-z 0-9 _ -"
            raise BadValue(f'{self.spec.command}: the collection behind INTO must be {allowed}; got "{text}"')
        self.found.into = text
        self.clause = "end"

    def _end_word(self, text: str) -> None:
        raise self._grammar(f'"{text}" is out of place; the order is fields, BY fields, INTO collection')

    def _leave(self, option: str) -> None:
        """An option ends a clause: `by host budget=1 mem` would leave open where mem belongs."""
        if self.clause in ("as", "into") or (self.clause == "by" and not self.found.by):
            raise self._missing(f"nothing follows {self.clause.upper()}; {option}= came instead")
        if self.clause == "by":
            self.clause = "end"

    def _grammar(self, what: str) -> BadGrammar:
        return BadGrammar(f"{self.spec.command}: {what}; write {self.spec.usage}")

    def _missing(self, what: str) -> MissingArgument:
        return MissingArgument(f"{self.spec.command}: {what}; write {self.spec.usage}")


def _glue(args: Sequence[str]) -> Iterator[str]:
    """Joins what belongs to one option: `k`, `=`, `v`; `k=`, `v`; `k`, `=v`; and the percentage of `floor=10, 20%`."""
    held: str | None = None
    for arg in filter(None, map(str.strip, args)):
        if held is None:
            held = arg
        elif _open(held) or (arg.startswith("=") and not held.startswith('"')):
            held += arg
        elif PERCENT.match(arg) and OPTION.match(held):
            held = held.rstrip(",") + "," + arg
        else:
            yield held
            held = arg
    if held is not None:
        yield held


def _open(arg: str) -> bool:
    """True for an option without its value."""
    return arg.endswith("=") and bool(OPTION.match(arg)) and arg.count("=") == 1


def _pieces(arg: str, command: str) -> Iterator[tuple[str, bool]]:
    """Words of an argument that is no option, and whether they were in quotes."""
    end = 0
    while end < len(arg):
        found = PIECE.match(arg, end)
        if not found:
            raise BadGrammar(f"{command}: a quote is never closed in {arg}")
        end, piece = found.end(), found.group(1)
        if piece != ",":
            yield (_unescape(piece), True) if piece[0] == '"' else (piece, False)


def _value(typed: str, command: str) -> str:
    """An option's value without quotes and without the comma before the next argument."""
    found = PIECE.match(typed)
    if not typed.startswith('"'):
        return typed.rstrip(",")
    if not found or typed[found.end() :].strip(","):
        raise BadGrammar(f"{command}: a quote is never closed, or text follows it, in {typed}")
    return _unescape(found.group(1))


def _unescape(quoted: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", quoted[1:-1])


def _nearest(name: str, known: Iterable[str]) -> str:
    """What to do about an unknown option."""
    import difflib

    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, 1, 0.5)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; it takes {', '.join(names)}" if names else "; it takes no options"
