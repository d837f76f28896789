"""The page's texts, in English and French. A text may hold {places}; "one|many" is chosen by a count.

Limits: what users or other parts wrote (titles, rules, reasons, notes, names of metrics) is shown as it came.
"""

from __future__ import annotations

from adaptive_monitoring.errors import BadValue

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        # numbers and times
        "decimal": ".", "thousands": ",", "percent": "{n}%", "unknown": "–",
        "moment": "{d} {month} {y}, {clock} UTC", "date": "{d} {month} {y}", "day": "{weekday} {d} {month}",
        "months": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", "weekdays": "Mon Tue Wed Thu Fri Sat Sun",
        "unit_d": "d", "unit_h": "h", "unit_min": "min", "unit_s": "s",
        "range": "{a}–{b}", "with_interval": "{value} ({interval})",
        # heading
        "kicker": "Back-test: static rules against adaptive models", "made": "Made {when}",
        "static": "static rules", "models": "models", "Static": "Static rules", "Models": "Models",
        "replayed": "{entities}; {metrics}; {rows}; {since} to {until}{days}; {incidents}",
        "replayed_label": "Replayed", "rule_label": "Static rules", "rule_missing": "not described",
        "more": " ({where})",
        "in_annex": "in full in the annex", "days": " ({n} days)", "hours": " ({n} hours)",
        "entities": "{n} entity|{n} entities", "rows": "{n} row|{n} rows",
        "metrics": "{n} metric ({names})|{n} metrics ({names})", "no_metrics": "no metric", "and_more": "{names} …",
        "incidents": "{n} known incident|{n} known incidents", "incidents_none": "no list of known incidents",
        "alerts": "{n} alert|{n} alerts",
        # verdict
        "better": "The models do better than the static rules.",
        "better_weak": "The models look better than the static rules, but this does not prove it.",
        "cheaper": "The models catch as many incidents with fewer alerts.",
        "worse": "The models do worse than the static rules.",
        "worse_weak": "The models look worse than the static rules, but this does not prove it.",
        "dearer": "The models catch as many incidents but need more alerts.",
        "mixed": "The result is mixed: better in one respect, worse in another.",
        "same": "The models and the static rules do equally well.",
        "blind": "Neither side caught a known incident.",
        "open": "Not decided: no known incidents were given.",
        "open_none": "Not decided: no known incident lies in the replayed time.",
        "empty": "Nothing was replayed.", "empty_why": "No row of the data could be used.",
        "volume_more": "With as many alerts as today, the models catch {d} more of {of} ({a} instead of {b})",
        "volume_fewer": "With as many alerts as today, the models catch {d} fewer of {of} ({a} instead of {b})",
        "volume_same": "With as many alerts as today, the models catch as many of {of} as the static rules ({b})",
        "saving_fewer": "to catch as many as the static rules ({c}) they would need {p} fewer alerts",
        "saving_more": "to catch as many as the static rules ({c}) they would need {p} more alerts",
        "saving_same": "to catch as many as the static rules ({c}) they would need as many alerts",
        "saving_never": "at none of the settings tried do they catch as many as the static rules ({c})",
        "as_set": "As they are set, the static rules catch {a} of {of} with {x}, the models {b} with {y}.",
        "doubt_few": "Fewer than six incidents make the difference in what is caught: that may be chance.",
        "quiet": "Neither side raised an alert", "alerted": "The static rules raised {x}, the models {y}{change}",
        "change_fewer": " ({p} fewer)", "change_more": " ({p} more)",
        "faults_found": "of {n} the models found {a}, the static rules {b}",
        "faults_n": "{n} synthetic fault|{n} synthetic faults",
        "doubt_open": "Fewer alerts are a gain only if nothing is missed, and more only if they are right: "
                      "a list of past incidents would tell.",
        # tiles
        "tile_volume": "incidents caught with as many alerts as today", "instead": "{a} instead of {b}",
        "tile_recall": "alerts to catch as many incidents as the static rules ({c})", "fewer_alerts": "{p} fewer",
        "more_alerts": "{p} more", "same_alerts": "as many", "not_reached": "not reached",
        "tile_recall_none": "alerts for the same incidents: the static rules caught none",
        "tile_alerts": "alerts, models instead of static rules", "tile_faults": "of the synthetic faults found",
        "tile_faults_none": "synthetic faults found: none were injected",
        "tile_budget": "of the entities kept the budget of {budget} false alert per week"
                       "|of the entities kept the budget of {budget} false alerts per week",
        "tile_budget_none": "of the entities kept the budget: not known",
        # table
        "as_set_label": "As set", "th_alerts": "Alerts", "th_rate": "Per entity and week",
        "th_caught": "Incidents caught", "th_recall": "Recall", "th_precision": "Precision",
        "th_lead": "Median first alert", "before": "{span} before start", "after": "{span} after start",
        "at_start": "at the start", "of": "{a} of {b}",
        "table_note": "Recall: share of the known incidents that were caught. Precision: share of the alerts that "
                      "belong to a known incident. In brackets the bootstrap interval. First alert: against the "
                      "start of the incidents caught. –: not known.",
        # figures
        "fig_caught": "Incidents caught by", "fig_alerts": "Alerts raised by", "by_both": "both",
        "by_static": "static rules only", "by_models": "models only", "by_none": "neither",
        "fig_none": "Nothing to count.",
        "caught_note": "As set: of those caught today the models miss {lost}, of those missed today they catch {won}.",
        "alerts_note": "Both: alerts of the two sides that overlap in time.",
        "fig_curve": "How much is caught for how many alerts", "fig_setting": "How many alerts at which setting",
        "axis_rate": "alerts per entity and week", "axis_recall": "share of incidents caught",
        "axis_setting": "setting: factor on the alert level (lower: more alerts)", "logarithmic": " (log scale)",
        "set_static": "static rules, as today", "set_models": "models, as set",
        "no_curve": "No curve: no setting has known figures.",
        "fig_faults": "Synthetic faults found, of those injected", "no_faults": "No synthetic faults were injected.",
        "size": "× {n}", "all_sizes": "all",
        "fault_note": "Size in usual margins of the metric; more is easier to see.",
        "notes": "Notes and limits", "no_notes": "None.", "notes_more": "{n} more note in the annex."
                                                                       "|{n} more notes in the annex.",
        # disagreements
        "worst": "Where the two sides disagree",
        "worst_of": "The {n} worst of {of}, {since} to {until}; all times are UTC.",
        "worst_all": "The only one found, {since} to {until}; all times are UTC."
                     "|All {n} found, {since} to {until}; all times are UTC.",
        "worst_none": "The two sides disagree nowhere.",
        "only_static": "only the static rules alerted", "only_models": "only the models alerted",
        "was_incident": "known incident", "was_none": "no known incident", "was_unknown": "not known whether incident",
        "value": "value", "expected": "expected", "usual": "usual range", "limit": "limit {n}",
        "lane_incident": "incident", "lane_dispute": "in dispute", "no_values": "no values in this stretch",
        "plot_alt": "{entity}, {metric}, {since} to {until}: value, expected value, usual range, static limits, "
                    "alerts of both sides",
        # annex
        "annex": "Annex", "annex_notes": "More notes", "annex_rule": "The static rules in full",
        "annex_faults": "All synthetic faults", "th_fault": "Fault", "th_size": "Size (usual margins)",
        "th_injected": "Injected", "annex_metrics": "All metrics",
        "kind_spike": "spike", "kind_shift": "level shift", "kind_ramp": "ramp", "kind_flat": "flat line",
        "kind_silence": "silence", "kind_season": "changed season", "kind_correlation": "broken correlation",
    },
    "fr": {
        "decimal": ",", "thousands": "\u202f", "percent": "{n} %", "unknown": "–",
        "moment": "{d} {month} {y} à {clock} UTC", "date": "{d} {month} {y}", "day": "{weekday} {d} {month}",
        "months": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
        "weekdays": "lun. mar. mer. jeu. ven. sam. dim.",
        "unit_d": "j", "unit_h": "h", "unit_min": "min", "unit_s": "s",
        "range": "{a} à {b}", "with_interval": "{value} ({interval})",
        "kicker": "Back-test : seuils statiques contre modèles adaptatifs", "made": "Établi le {when}",
        "static": "seuils statiques", "models": "modèles", "Static": "Seuils statiques", "Models": "Modèles",
        "replayed": "{entities} ; {metrics} ; {rows} ; du {since} au {until}{days} ; {incidents}",
        "replayed_label": "Période rejouée", "rule_label": "Seuils statiques", "rule_missing": "non décrits",
        "more": " ({where})", "in_annex": "texte complet en annexe", "days": " ({n} jours)", "hours": " ({n} heures)",
        "entities": "{n} entité|{n} entités", "rows": "{n} ligne|{n} lignes",
        "metrics": "{n} métrique ({names})|{n} métriques ({names})", "no_metrics": "aucune métrique",
        "and_more": "{names} …",
        "incidents": "{n} incident connu|{n} incidents connus", "incidents_none": "pas de liste d'incidents connus",
        "alerts": "{n} alerte|{n} alertes",
        "better": "Les modèles font mieux que les seuils statiques.",
        "better_weak": "Les modèles semblent faire mieux que les seuils statiques, sans preuve.",
        "cheaper": "Les modèles détectent autant d'incidents avec moins d'alertes.",
        "worse": "Les modèles font moins bien que les seuils statiques.",
        "worse_weak": "Les modèles semblent faire moins bien que les seuils statiques, sans preuve.",
        "dearer": "Les modèles détectent autant d'incidents, mais avec plus d'alertes.",
        "mixed": "Le résultat est partagé : meilleur sur un point, moins bon sur un autre.",
        "same": "Les modèles et les seuils statiques se valent.",
        "blind": "Aucun des deux n'a détecté d'incident connu.",
        "open": "Indécis : aucun incident connu n'a été fourni.",
        "open_none": "Indécis : aucun incident connu ne se situe dans la période rejouée.",
        "empty": "Rien n'a été rejoué.", "empty_why": "Aucune ligne des données n'était exploitable.",
        "volume_more": "Avec autant d'alertes qu'aujourd'hui, les modèles détectent {d} de plus sur {of} "
                       "({a} au lieu de {b})",
        "volume_fewer": "Avec autant d'alertes qu'aujourd'hui, les modèles détectent {d} de moins sur {of} "
                        "({a} au lieu de {b})",
        "volume_same": "Avec autant d'alertes qu'aujourd'hui, les modèles en détectent autant que les seuils statiques "
                       "({b} sur {of})",
        "saving_fewer": "pour en détecter autant que les seuils statiques ({c}), il leur faudrait {p} d'alertes "
                        "en moins",
        "saving_more": "pour en détecter autant que les seuils statiques ({c}), il leur faudrait {p} d'alertes en plus",
        "saving_same": "pour en détecter autant que les seuils statiques ({c}), il leur faudrait autant d'alertes",
        "saving_never": "à aucun des réglages essayés ils n'en détectent autant que les seuils statiques ({c})",
        "as_set": "Tels que réglés, les seuils statiques en détectent {a} sur {of} avec {x}, les modèles {b} avec {y}.",
        "doubt_few": "Moins de six incidents font la différence entre les deux détections : ce peut être le hasard.",
        "quiet": "Aucun des deux n'a levé d'alerte",
        "alerted": "Les seuils statiques ont levé {x}, les modèles {y}{change}",
        "change_fewer": " ({p} de moins)", "change_more": " ({p} de plus)",
        "faults_found": "sur {n}, les modèles en ont trouvé {a}, les seuils statiques {b}",
        "faults_n": "{n} défaut synthétique|{n} défauts synthétiques",
        "doubt_open": "Moins d'alertes n'est un gain que si rien n'échappe, et plus d'alertes que si elles sont "
                      "justes : une liste d'incidents passés le dirait.",
        "tile_volume": "incidents détectés avec autant d'alertes qu'aujourd'hui", "instead": "{a} au lieu de {b}",
        "tile_recall": "alertes pour détecter autant d'incidents que les seuils statiques ({c})",
        "fewer_alerts": "{p} de moins",
        "more_alerts": "{p} de plus", "same_alerts": "autant", "not_reached": "non atteint",
        "tile_recall_none": "alertes pour les mêmes incidents : les seuils statiques n'en ont détecté aucun",
        "tile_alerts": "alertes, modèles au lieu de seuils statiques",
        "tile_faults": "des défauts synthétiques trouvés",
        "tile_faults_none": "défauts synthétiques trouvés : aucun n'a été injecté",
        "tile_budget": "des entités ont tenu le budget de {budget} fausse alerte par semaine"
                       "|des entités ont tenu le budget de {budget} fausses alertes par semaine",
        "tile_budget_none": "des entités ont tenu le budget : inconnu",
        "as_set_label": "Tels que réglés", "th_alerts": "Alertes", "th_rate": "Par entité et semaine",
        "th_caught": "Incidents détectés", "th_recall": "Rappel", "th_precision": "Précision",
        "th_lead": "Première alerte (médiane)", "before": "{span} avant le début", "after": "{span} après le début",
        "at_start": "au début", "of": "{a} sur {b}",
        "table_note": "Rappel : part des incidents connus qui ont été détectés. Précision : part des alertes qui "
                      "relèvent d'un incident connu. Entre parenthèses, l'intervalle par bootstrap. Première alerte : "
                      "par rapport au début des incidents détectés. – : inconnu.",
        "fig_caught": "Incidents détectés par", "fig_alerts": "Alertes levées par", "by_both": "les deux",
        "by_static": "seuils seuls", "by_models": "modèles seuls", "by_none": "aucun des deux",
        "fig_none": "Rien à compter.",
        "caught_note": "Tels que réglés : de ceux détectés aujourd'hui, les modèles en manquent {lost} ; "
                       "de ceux manqués aujourd'hui, ils en détectent {won}.",
        "alerts_note": "Les deux : les alertes des deux côtés qui se recouvrent dans le temps.",
        "fig_curve": "Ce qui est détecté, pour combien d'alertes", "fig_setting": "Combien d'alertes à quel réglage",
        "axis_rate": "alertes par entité et semaine", "axis_recall": "part des incidents détectés",
        "axis_setting": "réglage : facteur sur le niveau d'alerte (plus bas : plus d'alertes)",
        "logarithmic": " (échelle log.)",
        "set_static": "seuils statiques, aujourd'hui", "set_models": "modèles, tels que réglés",
        "no_curve": "Pas de courbe : aucun réglage n'a de chiffres connus.",
        "fig_faults": "Défauts synthétiques trouvés, sur ceux injectés",
        "no_faults": "Aucun défaut synthétique n'a été injecté.",
        "size": "× {n}", "all_sizes": "tous",
        "fault_note": "Taille en marges habituelles de la métrique ; plus grand, plus visible.",
        "notes": "Remarques et limites", "no_notes": "Aucune.",
        "notes_more": "{n} autre remarque en annexe.|{n} autres remarques en annexe.",
        "worst": "Où les deux se contredisent",
        "worst_of": "Les {n} pires cas sur {of}, du {since} au {until} ; heures en UTC.",
        "worst_all": "Le seul cas trouvé, du {since} au {until} ; heures en UTC."
                     "|Les {n} cas trouvés, du {since} au {until} ; heures en UTC.",
        "worst_none": "Les deux ne se contredisent nulle part.",
        "only_static": "alerte des seuils statiques seuls", "only_models": "alerte des modèles seuls",
        "was_incident": "incident connu", "was_none": "pas d'incident connu",
        "was_unknown": "incident ou non : inconnu",
        "value": "valeur", "expected": "attendu", "usual": "plage habituelle", "limit": "seuil {n}",
        "lane_incident": "incident", "lane_dispute": "désaccord", "no_values": "pas de valeurs dans cet intervalle",
        "plot_alt": "{entity}, {metric}, du {since} au {until} : valeur, valeur attendue, plage habituelle, seuils "
                    "statiques, alertes des deux",
        "annex": "Annexe", "annex_notes": "Autres remarques", "annex_rule": "Les seuils statiques en entier",
        "annex_faults": "Tous les défauts synthétiques", "th_fault": "Défaut",
        "th_size": "Taille (marges habituelles)", "th_injected": "Injectés", "annex_metrics": "Toutes les métriques",
        "kind_spike": "pic", "kind_shift": "saut de niveau", "kind_ramp": "rampe", "kind_flat": "ligne plate",
        "kind_silence": "silence", "kind_season": "saison changée", "kind_correlation": "corrélation rompue",
    },
}  # fmt: skip
LANGUAGES = tuple(TEXTS)
#: Places that a text holds and a French line must not be broken at.
_TIGHT = ((" :", "\u00a0:"), (" ;", "\u202f;"), (" %", "\u202f%"), ("« ", "«\u00a0"), (" »", "\u00a0»"))


class Words:
    """The texts of one language. lang: one of LANGUAGES, otherwise BadValue."""

    def __init__(self, lang: str) -> None:
        if lang not in TEXTS:
            raise BadValue(f'lang must be one of {", ".join(LANGUAGES)}; got "{lang}"')
        self.lang = lang

    def __call__(self, key: str, **places: str) -> str:
        """A text with its places filled. The places' texts are taken as they are."""
        return self._tight(TEXTS[self.lang][key]).format(**places)

    def form(self, key: str, quantity: float, **places: str) -> str:
        """The form of a text that fits the quantity: French says one for 0, too."""
        one, many = TEXTS[self.lang][key].split("|")
        single = quantity < 2 if self.lang == "fr" else quantity == 1
        return self._tight(one if single else many).format(**places)

    def _tight(self, text: str) -> str:
        if self.lang == "fr":
            for loose, tight in _TIGHT:
                text = text.replace(loose, tight)
        return text
