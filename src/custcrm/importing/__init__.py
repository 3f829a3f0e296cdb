"""Taking customers and sales in from CSV files: a verdict for each row, in batches or all at once, safe to repeat.

The names to know are `import_customers` and `import_sales`, which `crm.customers.import_csv` and `crm.sales.import_csv` call,
and what they return: an `ImportReport` of `RowVerdict`s.

Read `source` and `columns` (what a file is) with `encoding` and `guessing`, `intake` and `book` (how rows are taken in), then
`customers` with `holders`, `known` and `optouts`, then `sales`; `reading` reads cells, `labels` finds columns of tags without
value, `refused` keeps the rows that were not taken, `beside` is what stands in front of them in their file, `report` tells what
became of all.
"""

from custcrm.importing.customers import import_customers
from custcrm.importing.report import ImportReport, RowVerdict
from custcrm.importing.sales import import_sales

__all__ = ["ImportReport", "RowVerdict", "import_customers", "import_sales"]
