"""The migration history. :mod:`models.schema` applies it; ``python -m models.migrations`` writes it.

``python -m models.migrations new "customer gets a nickname"`` compares the models with the history and writes the next
migration. ``python -m models.migrations regenerate`` writes the first one anew, and only works while it is the only one:
once a release has shipped it, it never changes again. A database made before keeps its old tables and says it is up to
date, so throw such databases away (``instance/``) after regenerating.
"""
