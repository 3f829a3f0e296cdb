"""Points of a customer: the proof of each balance, and spends and reversals that are whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from custcrm.records import PointsEntry, Sale
from custcrm.records.points import DEBT
from custcrm.rules import points as rules
from custcrm.rules.points_history import prove
from custcrm.verifying.dossiers import Dossier, grouped
from custcrm.verifying.ground import Ground
from custcrm.verifying.report import Findings, ids_of, shared_ids


def check_points(dossier: Dossier, ground: Ground, found: Findings) -> None:
    """Look at one customer's entries, program by program."""
    entries = dossier.of(PointsEntry)
    sales = {sale.id for sale in dossier.of(Sale)}
    for entry in entries:
        found.look("points")
        if fault := _fault_of(entry):
            found.add("points", PointsEntry, ids_of(entry), fault)
        if entry.sale_id is not None and entry.sale_id not in sales:
            found.add("references", PointsEntry, ids_of(entry), "the customer has no such sale")
        if entry.rule is not None and (entry.program, entry.rule) not in ground.rules:
            found.add("references", PointsEntry, ids_of(entry), f"the program has no earning rule {entry.rule!r}")
    for program, mine in grouped(entries, "program").items():
        proof = prove(dossier.id, program, mine, max(each.occurred_at for each in mine))
        for fault in proof.faults():
            found.add("points", PointsEntry, (dossier.id, program), fault)
    moved = grouped((each for each in entries if each.spend_id is not None), "spend_id")
    for spend_id, together in moved.items():
        if len({(each.kind, each.program, each.reverses, each.offer, each.reference) for each in together}) > 1:
            text = f"the entries of {spend_id} disagree about what they are"
            found.add("points", PointsEntry, shared_ids(dossier.id, together), text)
    _check_reversals(dossier.id, entries, moved, found)


def _fault_of(entry: PointsEntry) -> str | None:
    """Return what cannot be of an entry by itself."""
    if entry.kind == "credit" and (entry.delta <= 0 or entry.lot_id != entry.id):
        return "a credit brings points, and the lot of its own id"
    if entry.kind == "spend" and (entry.delta >= 0 or entry.spend_id is None):
        return "a spend takes points, and has the id of the whole"
    if entry.kind == "reverse" and entry.reverses is None:
        return "a reversal names what it takes back"
    if entry.shortfall and entry.kind != "reverse":
        return "only a reversal lacks points that it could not take"
    if entry.lot_id == DEBT and (entry.expires_at is not None or entry.valid_from is not None):
        return "a debt never expires, and nobody waits for it"
    if entry.valid_from is not None and entry.expires_at is not None and entry.expires_at <= entry.valid_from:
        return "a lot is valid before it expires"
    return None


def _check_reversals(
    owner: str, entries: Sequence[PointsEntry], moved: Mapping[str, Sequence[PointsEntry]], found: Findings
) -> None:
    by_id = {each.id: each for each in entries}
    for id_, back in grouped((each for each in entries if each.reverses not in (None, DEBT)), "reverses").items():
        reversed_: Iterable[PointsEntry] = moved.get(id_) or [by_id[id_]] if id_ in moved or id_ in by_id else ()
        whole = sum(each.delta for each in reversed_)
        ids = list(shared_ids(owner, back))
        if not whole:
            found.add("references", PointsEntry, ids, f"what they reverse, {id_}, is not there")
            continue
        left = rules.left_to_reverse(whole, back)
        if left * whole < 0:
            found.add("points", PointsEntry, ids, f"they take back {abs(left)} more than the {abs(whole)} of {id_}")
