"""What the columns of other systems' files are called: the usual words for our fields, in every language shipped."""

from __future__ import annotations

import re
from collections.abc import Mapping

from admin.importing.columns import Column
from models import normalise

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
        "Address", "Address 1", "Address line 1", "Street", "Street address", "Straße",
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
        for word in (name, name.replace("_", " "), column.label):
            found.setdefault(key(word), name)
    for name in offered:
        for word in USUAL.get(name, ()):
            found.setdefault(key(word), name)
    return found


def key(heading: str) -> str:
    """Return a heading without case, accents and signs: "E-mail " and "email:" are one."""
    return re.sub(r"[\W_]+", "", normalise.folded(heading))
