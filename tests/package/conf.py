"""Reads .conf files as splunkd does, and knows the settings that Splunk documents for the files that we ship.

Source of the keys: Splunk's own spec files, 10.0.2, with python.required from 10.2.
"""

from __future__ import annotations

import re
from pathlib import Path

Stanzas = dict[str, dict[str, str]]

#: file -> stanza pattern -> keys, as regular expressions.
KNOWN = {
    "app.conf": {
        r"id": r"name|version|group",
        r"launcher": r"version|description|author",
        r"package": r"id|check_for_updates|show_upgrade_notification",
        r"install": r"state|state_change_requires_restart|is_configured|build|allows_disable",
        r"ui": r"is_visible|show_in_nav|label|docs_section_override|attribution_link|setup_view|supported_themes",
        r"triggers": r"reload\.[a-z_]+",
        r"shclustering": r"deployer_lookups_push_mode|deployer_push_mode",
    },
    "commands.conf": {
        # With chunked = true, Splunk allows nothing else.
        r"adapt[a-z]+": r"chunked|filename|is_risky|maxwait|maxchunksize|command\.arg\.\d+"
        r"|python\.version|python\.required|run_in_preview",
    },
    "searchbnf.conf": {
        r"adapt[a-z]+-(command|option)": r"syntax|simplesyntax|alias|description|shortdesc|example\d|comment\d"
        r"|usage|tags|related",
    },
    "transforms.conf": {
        r"[a-z][a-z_]+": r"filename|collection|external_type|fields_list|max_matches|min_matches|default_match"
        r"|match_type|case_sensitive_match|time_field|time_format|batch_index_query|allow_caching|replicate|filter",
    },
    "collections.conf": {
        r"adaptive_[a-z_]+": r"field\.\w+|accelerated_fields\.\w+|enforceTypes|replicate|profilingEnabled|type",
    },
    "macros.conf": {
        r"adaptive_[a-z_]+(\(\d\))?": r"args|definition|validation|errormsg|iseval|description",
    },
    "savedsearches.conf": {
        r"Adaptive Monitoring - .+": r"search|description|disabled|enableSched|cron_schedule|allow_skew|schedule_window"
        r"|schedule_priority|dispatch\.(earliest_time|latest_time|ttl|max_time)|counttype|relation|quantity|alert_condition"
        r"|alert\.(digest_mode|severity|track|expires|suppress|suppress\.fields|suppress\.period)"
        r"|action\.(summary_index|summary_index\._name|email|email\.\w+(\.\w+)*|webhook(\.\w+(\.\w+)*)?)"
        r"|request\.ui_dispatch_(app|view)|is_visible",
    },
    "distsearch.conf": {
        r"replication(Allowlist|Denylist)": r"adaptive_[a-z_]+",
    },
    "default.meta": {
        r"|commands|searchbnf|macros|lookups|transforms|collections|savedsearches|views|nav": r"access|export|owner",
    },
}


def read(path: Path) -> Stanzas:
    """Stanzas of a .conf file. ValueError for what is no comment, stanza or setting, or said twice."""
    found: Stanzas = {}
    stanza = None
    for line in _logical_lines(path.read_text(encoding="utf-8")):
        head = re.fullmatch(r"\[(.*)\]\s*", line)
        key, equals, value = line.partition("=")
        if head:
            stanza = head.group(1)
            if stanza in found:
                raise ValueError(f"{path.name}: [{stanza}] stands there twice")
            found[stanza] = {}
        elif not equals or stanza is None:
            raise ValueError(f"{path.name}: cannot read {line!r}")
        elif key.strip() in found[stanza]:
            raise ValueError(f"{path.name}: [{stanza}] {key.strip()} stands there twice")
        else:
            found[stanza][key.strip()] = value.strip()
    return found


def unknown(name: str, stanzas: Stanzas) -> list[str]:
    """Stanzas and keys that Splunk would ignore or complain about in a file of that name."""
    patterns = KNOWN[name]
    found = []
    for stanza, settings in stanzas.items():
        keys = next((keys for pattern, keys in patterns.items() if re.fullmatch(pattern, stanza)), None)
        if keys is None:
            found.append(f"{name}: [{stanza}]")
        else:
            found += [f"{name}: [{stanza}] {key}" for key in settings if not re.fullmatch(keys, key)]
    return found


def _logical_lines(text: str) -> list[str]:
    """Lines without comments and empty ones; a backslash at the end joins a line with the next one."""
    found: list[str] = []
    joined = False
    for line in text.splitlines():
        if joined:
            found[-1] = found[-1][:-1] + " " + line.strip()
        elif line.strip() and not line.lstrip().startswith("#"):
            found.append(line)
        else:
            continue
        joined = found[-1].endswith("\\")
    return found
