"""The schema's history, one Alembic revision per version. Revisions never import the records: they say what was.

`env` runs them; `meanings` finds what is saved and means something else since.
"""

from typing import Final

VERSION: Final = 3
"""What this library reads and writes: the number of the last revision."""
VERSION_TABLE: Final = "custcrm_version"
"""Where a database's version is noted: a table of our own, as an app may have Alembic's `alembic_version`."""
