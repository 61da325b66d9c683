"""Workbooks written part by part, as other programs write them and as no program would."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
HEADING = '<row r="1"><c r="A1" t="inlineStr"><is><t>First name</t></is></c></row>'


def _links(*targets: tuple[str, str]) -> str:
    found = (
        f'<Relationship Id="r{n}" Type="{LINKS}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets)
    )
    return f'<Relationships xmlns="{PACKAGE}">{"".join(found)}</Relationships>'


def book(
    rows: Sequence[str] = (),
    *,
    pieces: Iterable[str] | None = None,
    calculation: str = "",
    sheets: Sequence[tuple[str, str]] = (("Sheet1", "visible"),),
    parts: Mapping[str, Iterable[str]] | None = None,
) -> bytes:
    """A workbook with the heading First name.

    :param rows: the cells of each row below it. :param pieces: instead of them, whatever the sheet's data is to be.
    :param sheets: (name, state), which all have the same rows. :param parts: further parts, in pieces.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("_rels/.rels", _links(("officeDocument", "xl/workbook.xml")))
        targets = [
            *(("worksheet", f"s{n}.xml") for n in range(len(sheets))),
            ("styles", "styles.xml"),
            ("sharedStrings", "t.xml"),
        ]
        file.writestr("xl/_rels/workbook.xml.rels", _links(*targets))
        named = "".join(
            f'<sheet name="{name}" state="{state}" r:id="r{n}"/>' for n, (name, state) in enumerate(sheets)
        )
        file.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>{named}</sheets>{calculation}</workbook>',
        )
        written = pieces if pieces is not None else (f"<row>{row}</row>" for row in rows)
        whole = {f"xl/s{n}.xml": _sheet(written) for n in range(1)}
        for name, content in {**whole, **(parts or {})}.items():
            with file.open(name, "w") as part:
                for piece in content:
                    part.write(piece.encode())
        for n in range(1, len(sheets)):
            file.writestr(f"xl/s{n}.xml", "".join(_sheet(f"<row>{row}</row>" for row in rows)))
    return made.getvalue()


def _sheet(pieces: Iterable[str]) -> Iterable[str]:
    yield f'<worksheet xmlns="{MAIN}"><sheetData>{HEADING}'
    yield from pieces
    yield "</sheetData></worksheet>"
