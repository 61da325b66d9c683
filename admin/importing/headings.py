"""What the columns of other systems' files are called: the usual words for our fields, in every language shipped.

A heading that no field of a list goes by may be one of another list about the same records, which is then named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from flask_babel import gettext as _

from admin.importing.columns import Column, columns
from admin.screen_spec.registry import registry
from admin.screen_spec.spec import ScreenSpec
from admin.viewmodels.pages import Link
from models import normalise
from models.importing import ImportFile
from web.messages import within

USUAL: dict[str, tuple[str, ...]] = {
    "first_name": (
        "First", "Forename", "Given name", "Christian name", "Vorname", "Prénom", "FName",
    ),
    "last_name": (
        "Last", "Surname", "Family name", "Nachname", "Familienname", "Zuname", "Nom", "Nom de famille", "LName",
    ),
    "company_name": (
        "Company", "Organisation", "Organization", "Business", "Firma", "Firmenname", "Société",
        "Entreprise",
    ),
    "company": ("Organisation", "Organization", "Firma", "Société"),
    "recipient": ("Name", "Empfänger", "Destinataire"),
    "trading_name": ("Trading as", "Handelsname", "Nom commercial"),
    "title": ("Salutation", "Prefix", "Titel", "Titre", "Civilité"),
    "email": (
        "E-mail address", "Mail", "E-Mail-Adresse", "Courriel", "Adresse e-mail", "Mél",
    ),
    "date_of_birth": (
        "Birthday", "Birth date", "DOB", "Born", "Geburtstag",
        "Geburtsdatum", "Date de naissance",
    ),
    "gender": ("Sex", "Geschlecht", "Sexe", "Genre"),
    "loyalty_code": (
        "Card", "Card no", "Card number", "Loyalty card", "Loyalty card number", "Loyalty no", "Loyalty number",
        "Membership number", "Member no", "Karte", "Kartennummer", "Kundenkarte", "Carte",
        "Numéro de carte", "Carte de fidélité",
    ),
    "account_code": (
        "Account", "Account no", "Account number", "Customer no", "Customer number", "Customer code", "Kundennummer",
        "Kunden-Nr.", "Numéro client", "N° client", "Code client",
    ),
    "vat_number": (
        "VAT", "VAT no", "VAT ID", "VAT reg no", "USt-IdNr.", "UID", "Umsatzsteuer-ID", "Numéro de TVA", "N° TVA",
    ),
    "company_number": (
        "Company no", "Company registration number", "Registration number", "Handelsregisternummer",
        "SIREN",
    ),
    "customer_class": ("Class", "Customer group", "Kundengruppe", "Groupe de clients"),
    "credit_limit": ("Limit", "Kreditlimit", "Limite de crédit", "Plafond de crédit"),
    "currency": ("Währung", "Devise", "Currency code"),
    "language": ("Lang", "Sprache", "Langue"),
    "is_active": ("Enabled", "Aktiv", "Actif"),
    "line1": (
        "Address", "Address 1", "Address line 1", "Addr1", "Street", "Street address", "Straße",
        "Adresse", "Adresse 1", "Rue",
    ),
    "line2": ("Address 2", "Address line 2", "Adresszusatz", "Adresse 2", "Complément d'adresse"),
    "line3": ("Address 3", "Address line 3", "Adresse 3"),
    "town": ("City", "Town/City", "Ort", "Stadt", "Ville"),
    "county": ("State", "Province", "Region", "Bundesland", "Département"),
    "postcode": (
        "Zip", "Zip code", "Postal code", "ZIP/Postal code", "PLZ", "Postleitzahl",
        "Code postal", "CP",
    ),
    "country": ("Land", "Pays", "Country code", "Country/Region"),
    "number": (
        "Phone", "Phone number", "Phone no", "Telephone", "Telephone number", "Tel",
        "Mobile", "Mobile number",
        "Mobile phone", "Cell", "Cell phone", "Telefon", "Telefonnummer", "Handy", "Mobil",
        "Mobilnummer",
        "Portable", "Numéro de téléphone",
    ),
    "phones.number": (
        "Phone number", "Phone no", "Telephone", "Telephone number", "Telephone no", "Tel", "Tel no", "Main phone",
        "Contact number", "Primary phone", "Telefon", "Telefonnummer", "Téléphone", "Numéro de téléphone",
    ),
    "phones.mobile.number": (
        "Mobile", "Mobile number", "Mobile phone", "Mobile no", "Mobile telephone", "Mob", "Cell", "Cell phone",
        "Cellphone", "Phone (mobile)", "Handy", "Mobil", "Mobilnummer", "Mobiltelefon", "Portable",
    ),
    "phones.personal.number": (
        "Home phone", "Home telephone", "Home", "Home number", "Phone (home)", "Home tel", "Private phone",
        "Personal phone", "Landline", "Evening phone", "Telefon privat", "Festnetz", "Téléphone fixe",
    ),
    "phones.work.number": (
        "Work phone", "Work telephone", "Work", "Work number", "Phone (work)", "Work tel", "Business phone",
        "Office phone", "Daytime phone", "Telefon geschäftlich", "Téléphone professionnel",
    ),
    "phones.fax.number": ("Fax", "Fax number", "Fax no", "Telefax", "Faxnummer", "Télécopie"),
    "phones.alternate.number": (
        "Other phone", "Alternative phone", "Alternate phone", "Phone 2", "Telephone 2", "Second phone",
        "Phone (other)",
    ),
    "customer": ("Client", "Kunde", "Customer name"),
    "body": ("Note", "Notes", "Comment", "Comments", "Text", "Notiz", "Bemerkung", "Remarque", "Commentaire"),
    "name": ("Bezeichnung", "Nom", "Libellé"),
    "expiry_notices": ("Mail before points lapse", "lapse_warnings"),  # its names in files until 0.2
    "description": ("Beschreibung",),
}  # fmt: skip
"""Field -> what other systems call it, once for all spellings that :func:`key` takes for one. A word that names two
fields of one list goes to the first of them."""


def fields_by_heading(offered: Mapping[str, Column]) -> dict[str, str]:
    """Return :func:`key` of a heading -> the field that it names: by our own words first, then by those of others."""
    found: dict[str, str] = {}
    for name, column in offered.items():
        for word in (name, name.replace("_", " "), column.label, *_short(column)):
            found.setdefault(key(word), name)
    for name, column in offered.items():
        for word in (*USUAL.get(name, ()), *(w for bare in _short(column) for w in USUAL.get(bare, ()))):
            found.setdefault(key(word), name)
    return found


def _short(column: Column) -> tuple[str, ...]:
    """Return the field of a related row, where its rows need not be named for it to be known."""
    related = column.related
    if related is None or column.field.name not in related.rows.headings:
        return ()
    return (column.field.name,)


def key(heading: str) -> str:
    """Return a heading without case, accents and signs: "E-mail " and "email:" are one."""
    return re.sub(r"[\W_]+", "", normalise.folded(heading))


# -- columns that only another list takes -------------------------------------------------------------------------


def left_over(
    screen: ScreenSpec, file: ImportFile, fields: dict[int, str]
) -> Iterator[tuple[str, Link | None]]:
    """Yield a sentence for each other list that takes headings of the file, with a link for users who may go there.

    :param fields: the columns that go into fields of this list.
    """
    own = {key(str(screen.get_column_name(name))) for name in screen.column_list}
    left = {key(h): h for p, h in enumerate(file.headers) if p not in fields and key(h) not in own}
    found = [(other, lookup, left.keys() & names) for other, lookup, names in _lists_about(screen)]
    for other, lookup, names in sorted(found, key=lambda taken: -len(taken[2])):
        headings = [left.pop(name) for name in list(left) if name in names]
        if headings:
            yield _told(screen, other, lookup, headings)


def _lists_about(screen: ScreenSpec) -> Iterator[tuple[ScreenSpec, Column, set[str]]]:
    """Yield the other lists that can be imported whose records belong to those of this one: by which field, and the
    headings that they know."""
    for other in registry().screens.values():
        if other is screen or "import" not in other.verbs:
            continue
        offered = columns(other)
        lookup = next((c for c in offered.values() if c.field.target is screen.model and c.required), None)
        if lookup is not None:
            rest = {name: column for name, column in offered.items() if column is not lookup}
            yield other, lookup, set(fields_by_heading(rest))


def _told(
    screen: ScreenSpec, other: ScreenSpec, lookup: Column, headings: list[str]
) -> tuple[str, Link | None]:
    names, these = ", ".join(headings), within(_(screen.plural))
    if not other.can("import"):
        return _("%(headings)s cannot be imported with %(these)s.", headings=names, these=these), None
    told = _(
        "%(headings)s cannot be imported with %(these)s. Import this file again as %(those)s and map the "
"column that identifies %(these)s to %(field)s.",
        headings=names, these=these, those=within(_(other.plural)), field=lookup.label,
    )  # fmt: skip
    title = _("Import %(things)s", things=within(_(other.plural)))
    return told, Link(title, other.url_to("import_view"), "upload")
