"""Countries as files name them: by their names in every language shipped, by other usual ones, and by ISO codes."""

from __future__ import annotations

import re
from functools import cache

from babel import Locale
from babel.core import get_global

from admin.importing.dates import LANGUAGES
from models import countries, normalise

USUAL = {
    "GB": "UK, U.K., Great Britain, Britain, England, Scotland, Wales, Northern Ireland, Großbritannien, Schottland, "
    "Nordirland, Grande-Bretagne, Angleterre, Écosse, Pays de Galles, Irlande du Nord, GBR, England UK",
    "US": "USA, U.S.A., U.S., United States of America, America, Amerika, Vereinigte Staaten von Amerika, "
    "États-Unis d'Amérique, Etats Unis",
    "NL": "Holland, The Netherlands, Hollande, Pays Bas",
    "CZ": "Czech Republic, Tschechische Republik, Tschechei, République tchèque",
    "IE": "Eire, Republic of Ireland, Irish Republic, Republik Irland, République d'Irlande",
    "DE": "Federal Republic of Germany, BRD, Bundesrepublik Deutschland",
    "RU": "Russian Federation, Russische Föderation, Fédération de Russie",
    "KR": "Korea, South Korea, Republic of Korea, Südkorea, Corée du Sud",
    "KP": "North Korea, Nordkorea, Corée du Nord",
    "CN": "People's Republic of China, PRC, Volksrepublik China, Mainland China",
    "TW": "Republic of China, Taiwan ROC",
    "HK": "Hong Kong, Hongkong, Hong Kong SAR",
    "MO": "Macau, Macao",
    "VN": "Viet Nam", "LA": "Laos", "IR": "Persia, Islamic Republic of Iran", "SY": "Syrian Arab Republic",
    "TR": "Turkey, Türkei, Turquie, Turkiye",
    "CI": "Ivory Coast, Elfenbeinküste, Côte d'Ivoire", "CV": "Cape Verde, Kapverden",
    "SZ": "Swaziland, Swasiland", "MM": "Burma, Birma, Birmanie", "MK": "Macedonia, Mazedonien, Macédoine",
    "BY": "Weißrussland, White Russia", "MD": "Moldova, Moldawien", "VA": "Vatican, Holy See, Vatikan",
    "BO": "Bolivia", "VE": "Venezuela", "TZ": "Tanzania", "BN": "Brunei", "PS": "Palestine, Palästina",
    "AE": "UAE, U.A.E., Emirates, VAE, EAU", "CD": "DR Congo, DRC, Democratic Republic of the Congo",
    "CG": "Congo, Republic of the Congo", "TL": "East Timor", "BA": "Bosnia, Bosnien", "GR": "Hellas, EL",
    "CH": "Switzerland, Helvetia, Suisse", "SK": "Slovak Republic", "LU": "Luxemburg", "ES": "España", "IT": "Italia",
    "AT": "Oesterreich", "DK": "Danmark", "SE": "Sverige", "NO": "Norge", "FI": "Suomi", "PL": "Polska", "BE": "België",
}  # fmt: skip
"""Names that people use besides those of the lists, by the ISO code of the country."""


def country_key(text: str) -> str:
    """Return a country's name without case, accents and signs, and without the article."""
    folded = re.sub(r"[\W_]+", " ", normalise.folded(text.replace(".", ""))).strip()
    return re.sub(r"^(the|die|der|la|le|les|l) ", "", folded)


@cache
def country_names() -> dict[str, str]:
    """Return :func:`country_key` of every name -> ISO code of two letters."""
    known, found = countries.CODES, {}
    for language in LANGUAGES:
        for code, name in Locale(language).territories.items():
            if code in known:
                found[country_key(name)] = code
    for code, names in USUAL.items():
        for name in names.split(","):
            found[country_key(name)] = code
    for alias, codes in get_global("territory_aliases").items():
        if re.fullmatch("[A-Z]{3}", alias) and len(codes) == 1 and codes[0] in known:
            found.setdefault(alias.casefold(), codes[0])
    return found | {code.casefold(): code for code in known}
