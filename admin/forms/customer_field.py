"""The field by which a program names a customer: our id, or a handle (rule 24.2). People choose from a list."""

from __future__ import annotations

from typing import Any

from admin.forms.form_fields import LookupField


class CustomerField(LookupField):
    """A look-up over customers that also takes a handle such as ``loyalty_code:LC-1042``."""

    @staticmethod
    def _coerce(value: Any) -> Any:
        if isinstance(value, str) and ":" in value:
            return value
        return LookupField._coerce(value)
