"""`python -m custcrm.cli` is `custcrm`."""

from custcrm.cli import main

main()
