"""The words that join a description, a table for each language: `PHRASES["en"]`, `PHRASES["fi"]`.

What an operator says stands in its row of `syntax.operators`.

Finnish is put so that no name needs an ending: names and texts stay as the schema and the author wrote them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

Phrases: TypeAlias = Mapping[str, str]

_ENGLISH: Final[Phrases] = {
    # tests: positive, then "not " and the positive
    "between": "{0} is between {1} and {2}",
    "not between": "{0} is not between {1} and {2}",
    "in": "{0} is one of {1}",
    "not in": "{0} is none of {1}",
    "fixed": "one of {1}",
    "not fixed": "none of {1}",
    "exists": "{0} exists",
    "not exists": "{0} does not exist",
    "segment": "the segment {0} applies",
    "not segment": "the segment {0} does not apply",
    "true": "everybody",
    "false": "nobody",
    "or missing": "{0} (or {1} is missing)",
    # groups
    "and": " and ",
    "or": " or ",
    "not": "it is not so that ({0})",
    "group": "({0})",
    "nothing": "an empty list",
    # values
    "yes": "true",
    "no": "false",
    "where": "{0} where ({1})",
    "DIV": "divided in whole by",
    "%": "modulo",
    "scope": "{0}, counted only where {1} (this narrows collections that know it, and neither fields nor maps)",
    "scope pair": "{0} is {1}",
    # units after a count: one, several; in Finnish also after "kuluttua"
    "second": "second|seconds",
    "minute": "minute|minutes",
    "hour": "hour|hours",
    "day": "day|days",
    "week": "week|weeks",
    "month": "month|months",
    "year": "year|years",
}

_FINNISH: Final[Phrases] = {
    "between": "{0} on välillä {1} – {2}",
    "not between": "{0} ei ole välillä {1} – {2}",
    "in": "{0} on jokin näistä: {1}",
    "not in": "{0} ei ole mikään näistä: {1}",
    "fixed": "on jokin kiinteästi valituista ({0} kpl)",
    "not fixed": "ei ole mikään kiinteästi valituista ({0} kpl)",
    "exists": "{0} on olemassa",
    "not exists": "{0} puuttuu",
    "segment": "kuuluu segmenttiin {0}",
    "not segment": "ei kuulu segmenttiin {0}",
    "true": "kaikki",
    "false": "ei kukaan",
    "or missing": "{0} (tai {1} puuttuu)",
    "and": " ja ",
    "or": " tai ",
    "not": "ei pidä paikkaansa, että ({0})",
    "group": "({0})",
    "nothing": "tyhjä luettelo",
    "yes": "tosi",
    "no": "epätosi",
    "where": "{0}, kun ({1})",
    "DIV": "jaettuna kokonaisina luvulla",
    "%": "jakojäännös luvulla",
    "scope": "{0}, laskettuna vain kun {1} (tämä rajaa kokoelmia, jotka sen tuntevat, ei kenttiä eikä luetteloita)",
    "scope pair": "{0} on {1}",
    "second": "sekunti|sekuntia|sekunnin",
    "minute": "minuutti|minuuttia|minuutin",
    "hour": "tunti|tuntia|tunnin",
    "day": "päivä|päivää|päivän",
    "week": "viikko|viikkoa|viikon",
    "month": "kuukausi|kuukautta|kuukauden",
    "year": "vuosi|vuotta|vuoden",
}

PHRASES: Final[Mapping[str, Phrases]] = MappingProxyType(
    {"en": MappingProxyType(_ENGLISH), "fi": MappingProxyType(_FINNISH)}
)
