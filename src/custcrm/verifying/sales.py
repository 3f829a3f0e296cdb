"""Sales of a customer: refunds and lines belong to one, and what is left of it is never less than nought."""

from __future__ import annotations

from custcrm.records import Sale, SaleLine
from custcrm.records.sales import SaleKind
from custcrm.rules.sales import refunds as rules
from custcrm.verifying.dossiers import Dossier, grouped
from custcrm.verifying.report import Findings, ids_of, shared_ids


def check_sales(dossier: Dossier, found: Findings) -> None:
    """Look at one customer's sales, refunds and lines."""
    sales = {sale.id: sale for sale in dossier.of(Sale)}
    for sale in sales.values():
        found.look("sales")
        taken_back = sale.kind is not SaleKind.SALE
        if taken_back and (sale.total.minor > 0 or sale.counts not in ((0,) if sale.refund_of is None else (0, -1))):
            found.add("sales", Sale, ids_of(sale), "what took a sale back has a total or count that adds to it")
        if not taken_back and (sale.refund_of is not None or sale.counts != 1):
            found.add("sales", Sale, ids_of(sale), "a purchase counts as one, and takes nothing back")
    for refunded, refunds in grouped((sale for sale in sales.values() if sale.refund_of is not None), "refund_of").items():
        _check_refunds(dossier.id, sales.get(refunded), refunds, found)
    for line in dossier.of(SaleLine):
        of = sales.get(line.sale_id)
        if of is None:
            found.add("references", SaleLine, ids_of(line), "the customer has no such sale")
        elif line.occurred_at != of.occurred_at:
            found.add("sales", SaleLine, ids_of(line), "the line happened at another time than its sale")
    for sale_id, lines in grouped(dossier.of(SaleLine), "sale_id").items():
        if [line.number for line in lines] != list(range(1, len(lines) + 1)):
            found.add("sales", SaleLine, (dossier.id, sale_id), "the lines are not numbered from 1 on, each once")


def _check_refunds(owner: str, sale: Sale | None, refunds: list[Sale], found: Findings) -> None:
    ids = list(shared_ids(owner, refunds))
    if sale is None or sale.kind is not SaleKind.SALE:
        found.add("references", Sale, ids, "what it refunds is no sale of the customer")
        return
    if any(refund.total.currency != sale.total.currency for refund in refunds):
        return  # told of the currency
    left = rules.left(sale, refunds)
    if left.total.minor < 0 or (sale.units >= 0 > left.units) or left.counts not in (0, 1):
        text = f"{left.total} and {left.units} units are left of sale {sale.id}, which counts {left.counts}"
        found.add("sales", Sale, ids, text)
    if any(refund.occurred_at < sale.occurred_at for refund in refunds):
        found.add("sales", Sale, ids, f"a refund is before sale {sale.id}")
