"""As much of SPL's surface as the driver needs: pipes, words, macros, conf files."""

from __future__ import annotations

import configparser
import os
import re

WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^\s"])+')
MACRO = re.compile(r"`([A-Za-z0-9_]+)(?:\(((?:\"(?:[^\"\\]|\\.)*\"|[^`\"])*)\))?`")


def read_conf(app: str, name: str) -> configparser.RawConfigParser:
    """default/<name>.conf of an app tree, local/ on top."""
    conf = configparser.RawConfigParser(
        strict=False, delimiters=("=",), comment_prefixes=("#",), default_section="", empty_lines_in_values=False
    )
    conf.optionxform = str  # type: ignore[assignment,method-assign]
    for folder in ("default", "local"):
        path = os.path.join(app, folder, f"{name}.conf")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                conf.read_string(file.read().replace("\\\n", " "), path)
    return conf


def split(text: str, separator: str = "|") -> list[str]:
    """Pieces between separators that are not in quotes, parentheses or brackets."""
    pieces, depth, quoted, start, i = [], 0, False, 0, 0
    while i < len(text):
        char = text[i]
        if quoted and char == "\\":
            i += 1
        elif char == '"':
            quoted = not quoted
        elif not quoted and char in "([":
            depth += 1
        elif not quoted and char in ")]":
            depth -= 1
        elif char == separator and not quoted and depth == 0:
            pieces.append(text[start:i].strip())
            start = i + 1
        i += 1
    return [*pieces, text[start:].strip()]


def pipeline(text: str) -> list[tuple[str, str]]:
    """(verb, rest) of each command, verbs in lower case."""
    found = []
    for piece in split(text):
        verb, _, rest = piece.partition(" ")
        if verb:
            found.append((verb.lower(), rest.strip()))
    return found


def words(rest: str) -> list[str]:
    """raw_args as splunkd makes them: cut at spaces outside quotes, commas between words gone, `k = v` in three."""
    found: list[str] = []
    for word in WORD.findall(rest):
        parts = [word] if "=" in word.split('"')[0] else [part for part in split(word, ",") if part]
        found += [part.rstrip(",") if not part.endswith('"') else part for part in parts if part != ","]
    return found


def unquoted(word: str) -> str:
    """args as splunkd makes them from raw_args."""
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda found: re.sub(r"\\(.)", r"\1", found.group(1)), word)


def expand_macros(text: str, conf: configparser.RawConfigParser, depth: int = 0) -> str:
    """Text with every `macro(arguments)` replaced by its definition."""
    if depth > 20:
        raise ValueError("macros: more than 20 levels")

    def replace(found: re.Match[str]) -> str:
        values = [unquoted(value) for value in split(found.group(2), ",")] if found.group(2) else []
        stanza = f"{found.group(1)}({len(values)})" if values else found.group(1)
        if not conf.has_section(stanza):
            raise ValueError(f"macros.conf has no [{stanza}]")
        definition = conf.get(stanza, "definition")
        for name, value in zip(split(conf.get(stanza, "args", fallback=""), ","), values):
            definition = definition.replace(f"${name}$", value)
        return expand_macros(definition, conf, depth + 1)

    return MACRO.sub(replace, text)
