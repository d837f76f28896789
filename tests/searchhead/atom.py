"""Answers of the fake splunkd: Atom XML, or JSON with output_mode=json, as splunkd writes them."""

from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape, quoteattr

REASONS = {
    400: "Bad Request",
    401: "call not properly authenticated",
    403: "You (user=admin) do not have permission to perform this operation",
    404: "Could not find object",
    409: "An object with that name already exists",
    429: "Too many requests",
    503: "This node is too busy",
}
FEED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" '
    'xmlns:s="http://dev.splunk.com/ns/rest" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
    "<title>{title}</title><opensearch:totalResults>{total}</opensearch:totalResults>{entries}</feed>"
)


class Answer:
    """status and either entries (name → content), a plain JSON value, messages, or lines of JSON."""

    def __init__(
        self,
        status: int = 200,
        entries: list[Entry] | None = None,
        value: Any = None,
        text: str | None = None,
        lines: str | None = None,
    ) -> None:
        self.status = status
        self.entries = entries
        self.value = value
        self.text = text
        self.lines = lines

    def content(self, wants_json: bool) -> tuple[str, bytes]:
        """(content type, bytes)."""
        if self.lines is not None:
            return "application/json", self.lines.encode()
        if self.entries is None and self.text is None:
            return "application/json", json.dumps(self.value).encode()
        if self.text is not None:
            kind = "ERROR" if self.status >= 400 else "INFO"
            if wants_json:
                return "application/json", json.dumps({"messages": [{"type": kind, "text": self.text}]}).encode()
            xml = f'<response><messages><msg type="{kind}">{escape(self.text)}</msg></messages></response>'
            return "text/xml", xml.encode()
        entries = self.entries or []
        if wants_json:
            return "application/json", json.dumps({"entry": [entry.as_json() for entry in entries]}).encode()
        xml = FEED.format(title="entries", total=len(entries), entries="".join(entry.as_xml() for entry in entries))
        return "text/xml", xml.encode()


class Entry:
    """One object: name, path below servicesNS/<owner>/<app>/, settings, and who owns it."""

    def __init__(
        self, name: str, path: str, settings: dict[str, str], app: str, owner: str = "nobody", sharing: str = "app"
    ) -> None:
        self.name = name
        self.path = f"/servicesNS/{owner}/{app}/{path}"
        self.settings = settings
        self.acl = {"app": app, "owner": owner, "sharing": sharing, "can_write": "1", "removable": "1"}

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "id": self.path,
            "author": self.acl["owner"],
            "acl": self.acl,
            "content": self.settings,
        }

    def as_xml(self) -> str:
        acl = f'<s:key name="eai:acl"><s:dict>{_keys(self.acl)}</s:dict></s:key>'
        return (
            f"<entry><title>{escape(self.name)}</title><id>{escape(self.path)}</id><updated>2026-01-01T00:00:00+00:00</updated>"
            f'<link href={quoteattr(self.path)} rel="alternate"/><author><name>{self.acl["owner"]}</name></author>'
            f'<content type="text/xml"><s:dict>{_keys(self.settings)}{acl}</s:dict></content></entry>'
        )


def message(status: int, text: str) -> Answer:
    """An answer that holds a text only."""
    return Answer(status, text=text or REASONS.get(status, ""))


def _keys(settings: dict[str, str]) -> str:
    return "".join(f"<s:key name={quoteattr(name)}>{escape(value)}</s:key>" for name, value in settings.items())
