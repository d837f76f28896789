"""What adaptfit and adaptdetect have in common before any row is seen: options, settings, required fields.

No numpy here: getinfo must be answered fast.
"""
from __future__ import annotations

from adaptive_monitoring.commands import kinds
from adaptive_monitoring.commands.options import expand
from adaptive_monitoring.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adaptive_monitoring.commands.options import Arguments
    from adaptive_monitoring.engine.base import Settings

NAME, VALUE, TIME = "metric_name", "_value", "_time"
DETECTOR_WORDS = ("adaptive", "covariance")
HOST_FIELDS = ("anomaly_score", "is_anomaly", "anomaly_state", "anomaly_id", "anomaly_start", "severity", "reason",
               "contributors", "model_status", "suppressed_by")
#: What adaptfeedback reads of an alert, and what it answers.
ALERT_FIELDS = ("_time", "anomaly_id", "anomaly_start", "anomaly_score", "contributors", "reason")
VERDICT_FIELDS = ("threshold_before", "threshold_after")
METRIC_FIELDS = ("expected", "lower_bound", "upper_bound", "score")

OPTIONS = (
    kinds.word("detector", DETECTOR_WORDS, "adaptive",
               "method: several views of every metric; covariance, for metrics that stop moving together"),
    kinds.word("season", ("auto", "none", "day", "week"), "auto", "season of the metrics; auto chooses per series"),
    kinds.word("kind", ("auto", "level"), "auto", "what the numbers are"),
    kinds.number("budget", 0.001, 1000.0, 0.5, "false alert episodes allowed per entity and week"),
    kinds.k_of_n("open", 100, (2, 3), "an episode opens when k of the last n rows reach the alert level"),
    kinds.k_of_n("close", 100, (4, 5), "an episode closes when k of the last n rows are quiet again"),
    kinds.floor("floor", (None, None), "smallest gap worth an alert: absolute, share of the expected value, or both"),
    kinds.word("direction", ("both", "high", "low"), "both", "which deviations count"),
    kinds.text("tz", "UTC", "time zone of days and weeks, such as Europe/Paris", 64),
    kinds.name("suppress", None, "lookup of maintenance windows (start, end, by-fields, reason): no alert"),
    kinds.integer("max_series", 1, 10_000_000, 100_000, "more entities than this are left out, with a message"),
    kinds.integer("max_runtime", 0, 86_400, 0, "soft stop after so many seconds, with partial results; 0 = never"),
)
PEER = kinds.text("peer", None, "field that names the group of an entity; a new one starts with its group's model", 256)


def settings_of(arguments: Arguments, stored: Mapping[str, str] | None = None) -> Settings:
    """Engine settings from what was typed, else from a stored model row, else the defaults. Raises BadValue."""
    from adaptive_monitoring.engine.base import Settings

    stored = stored or {}

    def pick(name: str) -> str:
        value = stored.get(name, "")
        return str(arguments.options[name]) if name in arguments.given or not value else value

    floor = arguments.floor if "floor" in arguments.given else read_floor(stored.get("floor", ""))
    return Settings(
        season=arguments.season, kind=arguments.kind, budget=float(pick("budget")),
        open_k=arguments.open[0], open_n=arguments.open[1], close_k=arguments.close[0], close_n=arguments.close[1],
        floor_abs=floor[0] or 0.0, floor_rel=(floor[1] or 0.0) / 100.0, direction=pick("direction"),
        tz=check_tz(pick("tz")))


def check_tz(name: str) -> str:
    """The zone, '' for UTC. Raises BadValue when Python does not know it."""
    if name in ("", "UTC"):
        return ""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except Exception:  # zoneinfo raises five kinds of errors for bad names
        raise BadValue(f'tz must be a time zone of the IANA data base such as Europe/Paris; got "{name}"') from None
    return name


def read_floor(text: str) -> tuple[float | None, float | None]:
    """(absolute, percent) from a stored cell such as 10,20%."""
    absolute = percent = None
    for part in filter(None, text.split(",")):
        if part.endswith("%"):
            percent = float(part[:-1])
        else:
            absolute = float(part)
    return absolute, percent


def floor_text(floor: tuple[float | None, float | None]) -> str:
    """The stored cell of (absolute, percent)."""
    absolute, percent = floor
    parts = ([f"{absolute:.6g}"] if absolute else []) + ([f"{percent:.6g}%"] if percent else [])
    return ",".join(parts)


def required_fields(arguments: Arguments) -> list[str]:
    """What the search needs of the rows; ["*"] when patterns leave that open."""
    fields = [field for field, _ in arguments.fields]
    if not fields or any("*" in field for field in fields):
        return ["*"]
    return list(dict.fromkeys([TIME, *arguments.by, *fields, NAME, VALUE, *apart(arguments)]))


def apart(arguments: Arguments) -> list[str]:
    """The field of peer=, [] without: like a by-field it is no metric."""
    return list(filter(None, [arguments.options.get("peer")]))


def check_peer(arguments: Arguments, command: str, detector: str) -> None:
    """Raises BadValue where no model can be lent. detector: of the collection, or the one that was typed."""
    field = arguments.options.get("peer")
    if field and not arguments.by:
        raise BadValue(f"{command}: peer={field} needs entities that can be peers; write by <fields>")
    if field and detector != "adaptive":
        raise BadValue(f"{command}: peer= must go with detector=adaptive; got detector={detector}, whose models belong "
                       "to one entity alone. Leave peer= out")


def is_long(arguments: Arguments, names: Sequence[str]) -> bool:
    """Whether rows with these fields name their metric (metric_name, _value) and hold no other field asked for."""
    typed = [field for field, _ in arguments.fields]
    keys = [*arguments.by, *apart(arguments)]
    present = any(name in names and name != VALUE for name in expand(typed, names, keys))
    named = NAME in names and VALUE in names and NAME not in arguments.by
    return named and (not typed or VALUE in typed or not present)


def answered_fields(arguments: Arguments) -> list[str]:
    """Fields of the answer: splunkd must send them where they exist, or they would be overwritten without a word."""
    names = [alias or field for field, alias in arguments.fields]
    prefixed = [f"{name}_{field}" for name in names for field in METRIC_FIELDS] if len(names) > 1 else []
    return [*HOST_FIELDS, *METRIC_FIELDS, *prefixed]
