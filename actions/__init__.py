"""What staff and customers do: one module a noun, one function a verb."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""Where the templates, translations and fonts of what goes out stand."""
