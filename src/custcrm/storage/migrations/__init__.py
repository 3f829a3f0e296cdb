"""The schema's history, one Alembic revision per version. Revisions never import the records: they say what was."""
