"""Where the workflow's own files are."""

from pathlib import Path

WORKFLOW = Path(__file__).resolve().parents[1]
