"""What an action does to many customers, as one statement each. Read `targets`, then `values`."""
