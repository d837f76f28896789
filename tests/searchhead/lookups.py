"""data/lookup-table-files of the fake splunkd."""

from __future__ import annotations

import os
import re
import shutil

from searchhead.atom import Answer, Entry, message


class Lookups:
    """Lookup files of one app, kept in a real folder. owners: name → (owner, sharing), for files made over REST."""

    def __init__(self, home: str, folder: str, app: str) -> None:
        self.folder = folder
        self.app = app
        self.staging = os.path.join(home, "var", "run", "splunk", "lookup_tmp")
        self.owners: dict[str, tuple[str, str]] = {}
        os.makedirs(self.staging, exist_ok=True)
        os.makedirs(folder, exist_ok=True)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def answer(self, method: str, parts: list[str], form: dict[str, str], user: str) -> Answer:
        if not parts:
            return self._all() if method == "GET" else self._create(form, user)
        name = parts[0]
        if not re.fullmatch(r"[\w.-]+", name) or not os.path.isfile(self.path(name)):
            return message(404, f"Could not find object id={name}")
        if parts[1:] == ["acl"]:
            return self._acl(method, name, form)
        return {"GET": self._get, "POST": self._update, "DELETE": self._delete}[method](name, form)

    def _all(self) -> Answer:
        return Answer(entries=[self._entry(name) for name in sorted(os.listdir(self.folder))])

    def _get(self, name: str, form: dict[str, str]) -> Answer:
        return Answer(entries=[self._entry(name)])

    def _create(self, form: dict[str, str], user: str) -> Answer:
        name = form.get("name", "")
        if not re.fullmatch(r"[\w.-]+\.(csv|csv\.gz|kmz)", name):
            return message(400, f"invalid lookup name '{name}'")
        if os.path.exists(self.path(name)):
            return message(409, f"An object with name={name} already exists")
        answer = self._update(name, form, 201)
        if answer.status == 201:
            self.owners[name] = (user, "app")  # recorded with the caller as owner, also for owner=nobody
        return answer

    def _update(self, name: str, form: dict[str, str], status: int = 200) -> Answer:
        staged = os.path.realpath(form.get("eai:data", ""))
        if os.path.dirname(staged) != os.path.realpath(self.staging):
            return message(400, f"eai:data must be a file in {self.staging}; got {staged}")
        if not os.path.isfile(staged):
            return message(400, f"The lookup table file does not exist: {staged}")
        temporary = self.path("." + name)
        shutil.move(staged, temporary)
        os.replace(temporary, self.path(name))
        return Answer(status, [self._entry(name)])

    def _delete(self, name: str, form: dict[str, str]) -> Answer:
        os.remove(self.path(name))
        self.owners.pop(name, None)
        return self._all()

    def _acl(self, method: str, name: str, form: dict[str, str]) -> Answer:
        if method == "POST":
            if not form.get("owner") or form.get("sharing") not in ("user", "app", "global"):
                return message(400, "owner and sharing are required")
            self.owners[name] = (form["owner"], form["sharing"])
        return Answer(entries=[self._entry(name)])

    def _entry(self, name: str) -> Entry:
        owner, sharing = self.owners.get(name, ("nobody", "app"))
        return Entry(name, f"data/lookup-table-files/{name}", {"eai:data": self.path(name)}, self.app, owner, sharing)
