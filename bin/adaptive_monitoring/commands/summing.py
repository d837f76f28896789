"""The summary of a back-test: the sentence for the inspector, and the findings for the page."""
from __future__ import annotations

import math
import os
import time

from adaptive_monitoring.commands.results import Told, equal
from adaptive_monitoring.engine import sweep
from adaptive_monitoring.engine.outcome import SIDES, Outcome, per
from adaptive_monitoring.report.findings import Fault, Findings, Point, Side
from adaptive_monitoring.store import files
from adaptive_monitoring.store.paths import app_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from adaptive_monitoring.commands.options import Arguments


def sentence(outcome: Outcome, budget: float) -> str:
    """One sentence: both sides, equal volume, equal recall."""
    static, models = (outcome.tallies[side] for side in SIDES)
    alerts = f"{static.total('alerts')} alerts of the static rules, {models.total('alerts')} of the models"
    if not outcome.known:
        both, only_static, only_models = (int(column.sum()) for column in outcome.shared())
        return (f"{alerts}; {both} static alerts overlap one of the models, {only_static} do not, {only_models} are of "
                "the models only. Without known incidents nothing says which are right")
    found = equal(outcome)
    caught, alike = static.total("caught"), found["same_recall_alerts"]
    volume = _more(found["same_volume_incidents"], caught)
    recall = (f"for the same incidents they need {alike} alerts ({_fewer(alike, static.total('alerts'))})"
              if alike != "" else "no setting of the models catches as many incidents as the static rules")
    return (f"{alerts}; of {outcome.known} incidents the static rules caught {caught}, the models "
            f"{models.total('caught')}. Equal volume: {volume}. Equal recall: {recall}")


def _more(incidents: Any, caught: int) -> str:
    if incidents == "":
        return "no setting of the models raises as few alerts as the static rules"
    gap = int(incidents) - caught
    word = f"{gap} more" if gap > 0 else f"{-gap} fewer" if gap < 0 else "as many"
    return f"with as many alerts the models catch {incidents} incidents, {word}"


def _fewer(alerts: Any, static: int) -> str:
    gap = static - int(alerts)
    return f"{gap} fewer" if gap >= 0 else f"{-gap} more"


def findings(told: Told, arguments: Arguments, rule: str, rows: int) -> Findings:
    """Everything on the page."""
    outcome = told.outcome
    known = outcome.known or None
    same = equal(outcome) if known else {"same_volume_incidents": "", "same_recall_alerts": ""}
    volume, recall = same["same_volume_incidents"], same["same_recall_alerts"]
    static, models = (Side(**_figures(outcome, side)) for side in SIDES)
    curves = [[Point(setting, per(tally.total("alerts", i), float(outcome.weeks.sum())),
                     per(tally.total("caught", i), outcome.known)) for i, setting in enumerate(sweep.SETTINGS)]
              for tally in (outcome.tallies[side] for side in SIDES)]
    budget = told.settings.budget
    return Findings(
        name=arguments.report, title=arguments.report, rule=rule, made=time.time(), since=_or_nan(outcome.since),
        until=_or_nan(outcome.until), entities=int(outcome.done.sum()), metrics=list(told.reader.metrics), rows=rows,
        incidents=known, static=static, models=models,
        both=int(outcome.shared()[0].sum()), only_static=int(outcome.shared()[1].sum()),
        only_models=int(outcome.shared()[2].sum()), same_volume_incidents=-1 if volume == "" else int(volume),
        same_recall_alerts=math.nan if recall == "" else float(recall), budget=budget,
        budget_kept=per(int(outcome.kept(budget).sum()), int((outcome.rows > 0).sum())),
        curve_static=curves[0], curve_models=curves[1],
        faults=[Fault(f.kind, f.size, f.injected, f.static, f.models) for f in told.faults],
        disagreements=told.disagreeing.worst(bool(known)), notes=_notes(outcome, arguments.lang),
    )


def _figures(outcome: Outcome, side: str) -> dict[str, Any]:
    return outcome.figures(side)


def _or_nan(t: float) -> float:
    return float(t) if math.isfinite(t) else math.nan


def _notes(outcome: Outcome, lang: str) -> list[str]:
    """What a reader must know to read the figures."""
    left, short = int((~outcome.done).sum()), int((outcome.done & (outcome.rows == 0)).sum())
    english, out = lang == "en", []
    if left:
        out.append(f"{left} entities were not reached in the time allowed and are not in the figures." if english else
                   f"{left} entités n'ont pas été traitées dans le temps imparti et ne figurent pas dans les chiffres.")
    if short:
        out.append(f"{short} entities have too little history to be compared." if english else
                   f"{short} entités ont trop peu d'historique pour être comparées.")
    return out


def write(found: Findings, name: str, lang: str) -> str:
    """Writes local/reports/<name>.html of this app in one step. Returns its path. Raises NotWritable."""
    from importlib import import_module

    page = import_module("adaptive_monitoring.report.page")
    folder = os.path.join(app_folder(), "local", "reports")
    path = os.path.join(folder, f"{name}.html")
    data = str(page.render(found, lang)).encode("utf-8", "replace")
    with files.explained(path):
        os.makedirs(folder, exist_ok=True)
    with files.locked(path + ".lock"):
        files.replace(path, data)
    return path
