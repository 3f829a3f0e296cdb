"""Going through a store from its file to its last record, in one view of it. The name to know is `verify`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from custcrm.actions.progress import Progress, show_progress
from custcrm.business import Business
from custcrm.records import RECORDS, Customer, Target
from custcrm.records.declaration import declaration
from custcrm.storage.protocol import Fault, Reader
from custcrm.values.errors import Conflict
from custcrm.values.identifiers import identifier
from custcrm.values.shapes import several
from custcrm.verifying.accounts import check_accounts
from custcrm.verifying.codes import check_codes
from custcrm.verifying.coupons import Places, check_coupons, check_series, guests_of
from custcrm.verifying.dossiers import Dossier, dossiers
from custcrm.verifying.ground import Ground, in_pieces, lay_ground
from custcrm.verifying.keys import check_imports, check_keys, check_targets
from custcrm.verifying.messages import check_messages
from custcrm.verifying.people import check_people
from custcrm.verifying.points import check_points
from custcrm.verifying.report import Findings, Verification
from custcrm.verifying.sales import check_sales
from custcrm.verifying.terms import check_terms
from custcrm.verifying.values import CUSTOMERS, check_addresses, check_records, check_unique, check_values

Show: TypeAlias = Callable[[int, int], None]

_SECRET: frozenset[str] = frozenset(about.table for about in map(declaration, RECORDS) if about.secret)


def verify(business: Business, progress: Progress = False, channels: Iterable[str] = ()) -> Verification:
    """Check the store against its promises and return what was found; nothing is written.

    All is read in one view, so that what others do meanwhile is seen whole or not at all. Where a table or a column is missing
    the records are not looked at. `channels` are the app's own beside those that the store was opened with. Conflict inside a
    transaction, which nobody else can see yet.
    """
    own = {identifier(each, field="channels") for each in several(channels, field="channels")}
    if business.store.is_writing():
        raise Conflict("verify looks at what is committed; call it outside of the transaction")
    show, found = show_progress(progress), Findings()
    suspect, illegible = set[str](), set[str]()
    is_whole = True

    def tell(fault: Fault) -> None:
        nonlocal is_whole
        is_whole = is_whole and fault.kind != "missing"
        suspect.add(fault.table)
        if fault.table == CUSTOMERS:
            illegible.update(map(str, fault.key))
        check = "schema" if fault.kind == "missing" else fault.kind
        found.add_to(check, fault.table, _key_of(fault), fault.text)

    with business.store.snapshot(tell) as reader:
        found.look("damage", len(RECORDS))
        found.look("schema", len(RECORDS))
        if is_whole:
            _check_all(business, reader, lay_ground(business, reader, own, illegible), found, show)
            check_unique(reader, suspect, found)
    return found.gathered()


def _check_all(business: Business, reader: Reader, ground: Ground, found: Findings, show: Show) -> None:
    places = Places()
    total, done = reader.count_records(Customer), 0
    for piece in in_pieces(dossiers(reader)):
        show(done, total)
        ground.meet(reader, {each.applied_id for dossier in piece for each in dossier.of(Target)})
        guests = guests_of(reader, piece, ground)
        for dossier in piece:
            _check_dossier(dossier, ground, found)
            check_coupons(dossier, ground, guests, places, found)
        done += sum(dossier.customer is not None for dossier in piece)
    check_records(reader, ground, found)
    check_terms(business, reader, found)
    check_codes(reader, ground, places, found)
    check_series(reader, ground, places, found)
    check_keys(reader, ground, found)
    check_imports(reader, found)
    check_addresses(reader, found)
    show(total, total)


def _check_dossier(dossier: Dossier, ground: Ground, found: Findings) -> None:
    records = list(dossier)
    found.look("rows", len(records))
    found.look("folded", sum(bool(declaration(type(each)).copies) for each in records))
    check_values(records, ground, found)
    check_people(dossier, ground, found)
    check_sales(dossier, found)
    check_points(dossier, ground, found)
    check_accounts(dossier, ground, found)
    check_messages(dossier, found)
    check_targets(dossier, ground, found)


def _key_of(fault: Fault) -> Iterator[str]:
    """Yield the key of the row that a fault is of, unless it is worth something to whoever knows it."""
    return (str(each) for each in (() if fault.table in _SECRET else fault.key))
