"""A till: look the member up by phone, sell, credit points, and let a repeated receipt change nothing."""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import custcrm
from custcrm import Crm, Refusal

POINTS_FOR_EACH_EURO = 2


def set_up(crm: Crm) -> None:
    crm.programs.add("club")
    crm.points_of_sale.add("Harbour", program="club")
    crm.terminals.add("Harbour till", point_of_sale="Harbour")
    anna = crm.customers.add(first_name="Anna", last_name="Virtanen", phone="040 123 4567")
    dan = crm.customers.add(first_name="Dan", phone="040 765 4321")
    crm.programs.join(anna, "club")
    crm.programs.join(dan, "club", access="blacklisted")
    crm.tags.set(anna, "VIP")


def greet(till: Crm, number: str) -> str:
    """Say who this is: nobody, one customer with tags, or several to choose from."""
    match till.customers.identify_caller(number):
        case []:
            return "somebody new"
        case [member]:
            return " ".join([member.customer.full_name, *member.tags])
        case several:
            return " or ".join(each.customer.full_name for each in several)


def sell(till: Crm, customer_id: str, receipt: str, total: str, at: str) -> str:
    """Record a sale and its points, both or neither; the same receipt again changes nothing."""
    points = int(Decimal(total)) * POINTS_FOR_EACH_EURO
    try:
        with till.transaction():
            till.sales.record(customer_id, total, occurred_at=at, external_id=receipt)
            till.points.credit(customer_id, "club", points, key=f"sale {receipt}")
    except Refusal as refusal:
        return f"refused: {refusal.reason}"
    return f"balance {till.points.balance(customer_id, 'club')}"


def main(folder: Path) -> None:
    with custcrm.open(folder / "shop.db", currency="EUR", timezone="Europe/Helsinki", country="FI") as crm:
        set_up(crm)
        till = crm.acting_as("till-1", terminal="Harbour till")

        assert greet(till, "+358 40 1234567") == "Anna Virtanen VIP"
        assert greet(till, "050 000 0000") == "somebody new"

        [anna] = (each.customer.id for each in till.customers.identify_caller("040-123 4567"))
        assert sell(till, anna, "r-17", "25.90", "2026-11-21 12:30") == "balance 50"
        assert sell(till, anna, "r-17", "25.90", "2026-11-21 12:30") == "balance 50"        # the button was pressed twice
        assert crm.select("sales_count = 1 AND sales_total = 25.90").ids() == [anna]

        [dan] = crm.select("programs.club.access = 'blacklisted'").ids()
        assert sell(till, dan, "r-18", "10.00", "2026-11-21 12:40") == "refused: blacklisted"
        assert crm.select("sales_count > 0", scope=custcrm.at(point_of_sale="Harbour")).ids() == [anna]


with TemporaryDirectory() as name:
    main(Path(name))
