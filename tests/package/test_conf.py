"""The .conf files: readable, nothing in them that Splunk does not know, and consistent with the code."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from package import conf
from searchhead.bundle import pattern_of

from adaptive_monitoring.commands.options import parse
from tools import lints, package

ROOT = package.ROOT
FILES = [ROOT / "app.conf", *sorted((ROOT / "default").glob("*.conf")), ROOT / "default" / "default.meta"]


def stanzas(name: str) -> conf.Stanzas:
    return conf.read(ROOT / name if name == "app.conf" else ROOT / "default" / name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_stanza_and_key_is_known_to_splunk(path: Path) -> None:
    assert conf.unknown(path.name, conf.read(path)) == []


def test_an_unknown_key_is_found() -> None:
    assert conf.unknown("commands.conf", {"adaptfit": {"chunked": "true", "passauth": "true"}}) == [
        "commands.conf: [adaptfit] passauth"
    ]
    assert conf.unknown("app.conf", {"launchpad": {}}) == ["app.conf: [launchpad]"]


@pytest.mark.parametrize("text", ["[a]\nx = 1\n[a]\n", "[a]\nx = 1\nx = 2\n", "x = 1\n", "[a]\nnonsense\n"])
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.conf"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"broken\.conf"):
        conf.read(path)


def test_the_version_is_the_same_in_both_stanzas_and_nowhere_else() -> None:
    app = stanzas("app.conf")
    assert re.fullmatch(r"\d+\.\d+\.\d+", app["launcher"]["version"])
    assert app["id"]["version"] == app["launcher"]["version"] == package.version()
    assert app["id"]["name"] == app["package"]["id"] == package.APP
    found = [
        f"{file.path}:{line}"
        for file in lints.sources()
        for line, _ in lints.version_elsewhere(package.version(), file)
    ]
    assert found == []


COMMANDS = stanzas("commands.conf")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_script_entry_in_the_search_assistant_and_tests(command: str) -> None:
    settings = COMMANDS[command]
    verb = command[len("adapt") :]
    assert settings["filename"] == f"{command}.py"
    assert (ROOT / "bin" / settings["filename"]).is_file()
    assert (ROOT / "bin" / "adaptive_monitoring" / "commands" / f"{verb}.py").is_file()
    assert list((ROOT / "tests" / "commands").glob(f"test_{verb}*.py"))
    entry = stanzas("searchbnf.conf")[f"{command}-command"]
    assert {"syntax", "shortdesc", "description", "usage", "example1", "comment1", "related"} <= set(entry)
    assert entry["usage"] == "public"
    assert entry["syntax"].startswith(command + " ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs_on_both_pythons_by_protocol_2(command: str) -> None:
    settings = COMMANDS[command]
    assert settings["chunked"] == "true"
    assert settings["python.version"] == "python3"
    assert [number.strip() for number in settings["python.required"].split(",")] == ["3.9", "3.13"]


def test_every_script_is_a_command() -> None:
    scripts = {path.stem for path in (ROOT / "bin").glob("adapt*.py")} - {"adaptboot"}
    assert scripts <= set(COMMANDS)
    assert {stanza.partition("-")[0] for stanza in stanzas("searchbnf.conf")} == set(COMMANDS)


@pytest.mark.parametrize("command", ["adaptfit", "adaptfeedback", "adaptmodel"])
def test_what_writes_or_deletes_is_risky(command: str) -> None:
    assert COMMANDS[command]["is_risky"] == "true"


def test_related_and_option_terms_exist() -> None:
    entries = stanzas("searchbnf.conf")
    for name, entry in entries.items():
        for term in re.findall(r"<(adapt[a-z]+-option)>", entry["syntax"]):
            assert term in entries, name


@pytest.mark.parametrize("command", COMMANDS)
def test_the_search_assistant_knows_exactly_the_options_of_the_command(command: str) -> None:
    spec = import_module(f"adaptive_monitoring.commands.{command[len('adapt') :]}").SPEC
    entries = stanzas("searchbnf.conf")
    syntax = entries[f"{command}-command"]["syntax"] + " | " + entries[f"{command}-option"]["syntax"]
    shown = dict(re.findall(r"(?<![<\w])([a-z_]+)=(\([a-z|]+\)|<\w+>)", syntax))
    assert set(shown) == set(spec.options)
    for name, values in shown.items():
        if values.startswith("("):
            words = re.split(r", | or ", spec.options[name].allowed)
            assert values[1:-1].split("|") == words, name


@pytest.mark.parametrize("command", COMMANDS)
def test_starting_a_command_loads_no_numpy(command: str) -> None:
    heavy = "('numpy', 'scipy', 'sklearn', 'joblib', 'splunklib')"
    code = f"import sys, adaptive_monitoring.commands.{command[len('adapt') :]}\n"
    code += f"sys.exit(', '.join(name for name in {heavy} if name in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "bin", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_can_be_parsed(command: str) -> None:
    spec = import_module(f"adaptive_monitoring.commands.{command[len('adapt') :]}").SPEC
    for key, text in stanzas("searchbnf.conf")[f"{command}-command"].items():
        if key.startswith("example"):
            call = next(part.strip() for part in text.split("|") if part.strip().startswith(command))
            parse(call.split()[1:], spec)


def test_every_saved_search_can_be_parsed() -> None:
    for name, search in stanzas("savedsearches.conf").items():
        for call in re.findall(r"\| (adapt[a-z]+) ([^|]*)", search["search"]):
            spec = import_module(f"adaptive_monitoring.commands.{call[0][len('adapt') :]}").SPEC
            assert parse(call[1].split(), spec).by == ["host"], name


MACROS = stanzas("macros.conf")


@pytest.mark.parametrize("name", MACROS)
def test_a_macro_has_as_many_arguments_as_its_name_says_and_uses_them_all(name: str) -> None:
    macro = MACROS[name]
    args = [word.strip() for word in macro["args"].split(",")] if "args" in macro else []
    number = re.search(r"\((\d)\)", name)
    assert len(args) == (int(number.group(1)) if number else 0)
    assert set(re.findall(r"\$(\w+)\$", macro["definition"])) == set(args)
    assert macro["description"]


def test_macros_that_are_called_exist() -> None:
    texts = [macro["definition"] for macro in MACROS.values()]
    texts += [search["search"] for search in stanzas("savedsearches.conf").values()]
    for text in texts:
        for name, arguments in re.findall(r"`(\w+)(\(.*?\))?`", text):
            number = len(arguments.split(",")) if arguments else 0
            assert (f"{name}({number})" if number else name) in MACROS


SEARCHES = stanzas("savedsearches.conf")


@pytest.mark.parametrize("name", SEARCHES)
def test_a_saved_search_is_off_bounded_and_says_how_to_deploy_it(name: str) -> None:
    search = SEARCHES[name]
    assert search["disabled"] == "1"
    assert search["dispatch.earliest_time"].startswith("-")
    assert search["dispatch.latest_time"]
    assert not any(value.startswith("rt") for key, value in search.items() if key.startswith("dispatch."))
    assert search["allow_skew"]
    assert "Deploy:" in search["description"]
    assert "Known false alarms:" in search["description"]


def test_schedules_do_not_start_together() -> None:
    schedules = [search["cron_schedule"] for search in SEARCHES.values()]
    assert len(set(schedules)) == len(schedules)
    assert all(re.fullmatch(r"[\d*/,-]+( [\d*/,-]+){4}", schedule) for schedule in schedules)


def test_every_shipped_table_has_a_definition_and_the_other_way_round() -> None:
    shipped = {Path(name).name for name in package.source_files() if name.startswith("lookups/")}
    defined = {settings["filename"] for settings in stanzas("transforms.conf").values() if "filename" in settings}
    assert shipped == defined


def test_changing_is_for_administrators_and_everything_names_it() -> None:
    for stanza, settings in stanzas("default.meta").items():
        assert "write : [ admin, sc_admin ]" in settings["access"], stanza


@pytest.mark.parametrize(
    ("file", "denied"),
    [
        ("lookups/adaptive_web.csv", True),
        ("lookups/adaptive_cpus.csv", True),
        ("lookups/adaptive_outbounds.csv", True),
        ("lookups/adaptive_s.csv", True),
        ("lookups/adaptive_web.v003.csv", True),
        ("lookups/adaptive_web.csv.lock", True),
        ("lookups/adaptive_web_bounds.csv.tmp", True),
        ("lib/py39/splunklib/client.py", True),
        ("lookups/adaptive_web_bounds.csv", False),
        ("lookups/adaptive_cpu_per_host_bounds.csv", False),
        ("lookups/calendar.csv", False),
        ("bin/adaptive_monitoring/bounds/score.py", False),
    ],
)
def test_the_bundle_takes_bounds_and_code_but_no_collections(file: str, denied: bool) -> None:
    patterns = stanzas("distsearch.conf")["replicationDenylist"].values()
    found = [pattern for pattern in patterns if re.fullmatch(pattern_of(pattern), f"apps/adaptive_monitoring/{file}")]
    assert bool(found) is denied
