"""The addresses of an import, on every screen whose records may be both created and edited."""

from __future__ import annotations

from typing import Any

from flask_admin import expose

from admin import importing

IMPORT_VIEWS = (
    "import_view",
    "import_empty_view",
    "import_map_view",
    "import_rows_view",
    "import_refused_view",
    "import_apply_view",
)


class ImportViews:
    """A part of :class:`admin.base.Screen`: each view a line, the work is in :mod:`admin.importing`."""

    @expose("/import/", methods=("GET", "POST"))
    def import_view(self) -> Any:
        """Take in a file."""
        return importing.upload(self)  # type: ignore[arg-type]

    @expose("/import/empty/")
    def import_empty_view(self) -> Any:
        """Download an empty file with every column."""
        return importing.empty(self)  # type: ignore[arg-type]

    @expose("/import/columns/", methods=("GET", "POST"))
    def import_map_view(self) -> Any:
        """Choose which column goes where."""
        return importing.mapping(self)  # type: ignore[arg-type]

    @expose("/import/rows/")
    def import_rows_view(self) -> Any:
        """See what would become of each row."""
        return importing.rows(self)  # type: ignore[arg-type]

    @expose("/import/refused/")
    def import_refused_view(self) -> Any:
        """Download the refused rows with the reasons."""
        return importing.refused(self)  # type: ignore[arg-type]

    @expose("/import/apply/", methods=("POST",))
    def import_apply_view(self) -> Any:
        """Apply the file."""
        return importing.apply(self)  # type: ignore[arg-type]
