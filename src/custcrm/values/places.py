"""Countries, languages and time zones by their standards: ISO 3166, BCP 47, IANA. Know `country`, `locale` and `zone`."""

import re
import zoneinfo
from typing import Final

from custcrm.values.errors import Malformed
from custcrm.values.spelling import nearest
from custcrm.values.texts import checked, trimmed

COUNTRIES: Final = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD
    CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF
    GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
    KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI
    SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
    VN VU WF WS YE YT ZA ZM ZW
    """.split()  # noqa: SIM905 (a table of codes is read best as one text)
)
"""The officially assigned alpha-2 codes of ISO 3166-1."""

_COMMON: Final = {"UK": "GB", "EL": "GR"}
"""Codes that people write for a country that has another one."""

_NO_NAMES: Final = frozenset({"localtime", "posixrules", "Factory"})
"""What lies beside the zones of a system and is another one on each machine, or says that none was chosen."""
_COPIES: Final = frozenset({"posix", "right"})
"""Folders with all zones again; clocks of the second one count leap seconds."""

_TAG = re.compile(
    r"""(?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})
    (?:-(?P<script>[a-z]{4}))?
    (?:-(?P<region>[a-z]{2}|[0-9]{3}))?
    (?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)
    (?P<extensions>(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*)
    (?P<private>(?:-x(?:-[a-z0-9]{1,8})+)?)""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
"""RFC 5646, section 2.1: langtag. Tags of private use alone and grandfathered ones are left out: no text is found by them."""


def country(text: object, *, field: str = "country") -> str:
    """Return a country's code, "FI", as ISO 3166-1 has it; Malformed for others, with the code that was probably meant."""
    code = trimmed(checked(text, field=field))
    if code in COUNTRIES:
        return code
    meant = _COMMON.get(code.upper(), code.upper())
    raise Malformed(
        f"{field} is no ISO 3166 country code; write two capitals, e.g. 'FI'", field=field,
        suggestions=(meant,) if meant in COUNTRIES else (),
    )


def locale(text: object, *, field: str = "locale") -> str:
    """Return a language tag in the case that RFC 5646, section 2.1.1 recommends: "fi", "zh-Hant-TW".

    Malformed unless it is well-formed; whether its parts are registered is not asked.

    >>> locale("PT-br")
    'pt-BR'
    """
    tag = trimmed(checked(text, field=field))
    found = _TAG.fullmatch(tag)
    if found is None:
        meant = tag.replace("_", "-")
        again = _TAG.fullmatch(meant)
        raise Malformed(
            f"{field} is no BCP 47 language tag; write e.g. 'fi' or 'pt-BR'", field=field,
            suggestions=() if again is None else (_cased(again),),
        )
    return _cased(found)


def _cased(found: re.Match[str]) -> str:
    script, region = found["script"], found["region"]
    parts = [found["language"].lower(), script and script.title(), region and region.upper()]
    rest = "".join(found[each] for each in ("variants", "extensions", "private")).lower()
    return "-".join(each for each in parts if each) + rest


def zone(name: str, *, field: str = "timezone") -> zoneinfo.ZoneInfo:
    """Return the time zone of an IANA name, `Europe/Helsinki`; an unknown one is `Malformed` with suggestions."""
    given: object = name
    try:
        if _is_a_name(given):
            return zoneinfo.ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # not there; no such path; a folder
        pass
    names = sorted(filter(_is_a_name, zoneinfo.available_timezones()))
    typed = "" if not isinstance(given, str) else given.replace(" ", "_").casefold()
    near = [known for known in names if typed in (known.casefold(), known.rpartition("/")[2].casefold())]
    # Never what was given: in a file whose columns are mixed up it is a name or an address.
    message = "a time zone has an IANA name, such as 'Europe/Helsinki'"
    raise Malformed(message, field=field, suggestions=near[:3] or nearest(name, names))


def _is_a_name(text: object) -> bool:
    return isinstance(text, str) and text not in _NO_NAMES and text.partition("/")[0] not in _COPIES
