"""storage/passwords of the fake splunkd."""

from __future__ import annotations

from searchhead.atom import Answer, Entry, message


class Passwords:
    """store: "realm:username:" → clear text."""

    def __init__(self, app: str) -> None:
        self.app = app
        self.store: dict[str, str] = {}

    def answer(self, method: str, parts: list[str], form: dict[str, str]) -> Answer:
        if not parts and method == "GET":
            return Answer(entries=[self._entry(name) for name in self.store])
        if not parts:
            name = f"{form.get('realm', '')}:{form.get('name', '')}:"
            if name in self.store:
                return message(409, f"An object with name={name} already exists")
            self.store[name] = form.get("password", "")
            return Answer(201, [self._entry(name)])
        name = parts[0] if parts[0].endswith(":") else parts[0] + ":"
        if name not in self.store:
            return message(404, f"Could not find object id={name}")
        if method == "DELETE":
            del self.store[name]
            return Answer(entries=[])
        if method == "POST":
            self.store[name] = form.get("password", "")
        return Answer(entries=[self._entry(name)])

    def _entry(self, name: str) -> Entry:
        realm, username = name.split(":")[:2]
        settings = {
            "realm": realm,
            "username": username,
            "clear_password": self.store[name],
            "encr_password": "$7$x",
            "password": "********",
        }
        return Entry(name, f"storage/passwords/{name}", settings, self.app)
