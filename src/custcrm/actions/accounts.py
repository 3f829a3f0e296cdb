"""Customer accounts: paying in by template, to one customer or a selection; what takes away is booked one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from attrs import evolve

from custcrm.actions import eligibility
from custcrm.actions.action import Action, Booked, Booking, Cost, Doing, Occasion, Turn
from custcrm.actions.keys import Request, once
from custcrm.actions.messages import messages
from custcrm.actions.places import booked_at, reference_of
from custcrm.actions.standings import column_of, columns_of, standings
from custcrm.business import Business, hold_customer
from custcrm.filters.syntax.nodes import Field
from custcrm.messaging.templates import ACCOUNT_REPLENISHED_AS_POINTS, text_or_default
from custcrm.records import Account, AccountEntry, CustomerAccount, Membership, Program
from custcrm.records.accounts import AccountKind
from custcrm.rules import accounts as rules
from custcrm.storage.effects import CustomerKey, Given, NewId, Of, Source, Template
from custcrm.storage.protocol import Writer
from custcrm.storage.questions import Verdict
from custcrm.values.errors import Conflict, Malformed, NotFound, Reason, Refusal
from custcrm.values.ids import numbered
from custcrm.values.money import Money
from custcrm.values.shapes import flag, whole_number
from custcrm.values.texts import checked, is_blank

Number: TypeAlias = Money | str | int | Decimal
"""An amount in major units, of an account of money; else whole units."""

Change: TypeAlias = Callable[[Writer, rules.Standing], int | Refusal]
"""What an entry changes, as the account stands."""

ENTRY: Final = 0
"""The number of the effect that writes the entry: its ids are made of it."""


def replenishing(
    business: Business,
    account: str,
    amount: Number,
    *,
    terminal: str | None = None,
    text: str = "",
    notify: bool = True,
    reference: str | None = None,
) -> Action:
    """Pay in; the first time opens the customer's account."""
    found = business.known(Account, account, "account")
    account = found.name
    program = business.known(Program, found.program, "program")
    number = _read_amount(business, found, amount)
    about = _describe_entry(business, terminal=terminal, reference=reference, text=text)
    told = messages.notice_text(text_or_default(text, ACCOUNT_REPLENISHED_AS_POINTS), "amount", "balance")

    def effects(occasion: Occasion) -> tuple[Doing, ...]:
        notice = messages.notice(
            business, program, occasion, told, notify=notify, effect=1, more=_noticecolumns_of(business, found, number)
        )
        entry = _entry_template(business, found, "replenish", number, occasion, about)
        return (_opening(business, found, occasion), entry, *notice)

    return Action(
        name="replenish",
        title=f"replenish {account} {_show_number(business, found, number)}",
        arguments={
            "account": account, "amount": number, "terminal": terminal and about["terminal"], "text": text,
            "notify": flag(notify, field="notify"),
            "reference": about["reference"],
        },
        verdict=Verdict(eligibility.may_pay_in(business.schema, found.program)),
        about={"program": found.program, "account": found.name},
        effects=effects,
        cost=lambda business, question, eligible: _cost(business, found, number * eligible),
        holds=True,
    )


def spending(
    business: Business, account: str, amount: Number, *, terminal: str | None = None, reference: str | None = None
) -> Action:
    """Take from the account, no more than is available."""
    found = business.known(Account, account, "account")
    account = found.name
    number = _read_amount(business, found, amount)
    about = _describe_entry(business, terminal=terminal, reference=reference)
    limit = rules.limit_of(found, None)
    funds = eligibility.has_funds(
        business.schema, account, of=columns_of(found), least=_literal(business, found, number),
        common=_literal(business, found, number - limit), unopened=number <= limit,
    )
    return Action(
        name="spend_account",
        title=f"spend_account {account} {_show_number(business, found, number)}",
        arguments={"account": account, "amount": number, "terminal": terminal and about["terminal"],
                   "reference": about["reference"]},
        verdict=Verdict(eligibility.may_take_out(business.schema, found.program)),
        about={"program": found.program, "account": found.name},
        foreseen=Verdict(funds),
        effects=lambda occasion: (_booking(business, found, "spend", lambda writer, standing: -number, about),),
    )


def adjusting(business: Business, account: str, amount: Number, *, reason: str) -> Action:
    """Correct the account of a member, up or down, whatever the access; the reason is kept."""
    found = business.known(Account, account, "account")
    number = _read_amount(business, found, amount, signed=True)
    if is_blank(checked(reason, field="reason")):
        raise Malformed("reason says why the account is corrected", field="reason")
    return Action(
        name="adjust_account",
        title=f"adjust_account {found.name} {_show_number(business, found, number)}",
        arguments={"account": found.name, "amount": number, "reason": reason},
        verdict=Verdict(eligibility.is_member(business.schema, found.program)),
        about={"program": found.program, "account": found.name},
        effects=lambda occasion: (
            _booking(business, found, "adjust", lambda writer, standing: number, {"reason": reason}),
        ),
    )


def reversing(business: Business, entry: AccountEntry, *, amount: Number | None = None, reason: str = "") -> Action:
    """Take back an entry, or a part of it, whatever the access."""
    if entry.kind == "reverse":
        raise Malformed("a reversal cannot be reversed; adjust the account, or make the entry anew", field="entry")
    found = business.known(Account, entry.account, "account")
    asked = None if amount is None else _read_amount(business, found, amount)
    checked(reason, field="reason")

    def change(writer: Writer, _: rules.Standing) -> int | Refusal:
        stored = writer.get(AccountEntry, entry.customer_id, entry.id)
        if stored is None:
            raise NotFound("no entry of an account has this id")
        before = {"customer_id": entry.customer_id, "account": entry.account, "reverses": entry.id}
        undone = next(writer.totals(AccountEntry, before, of=column_of(found)), (0,))[0]
        return rules.reversal(found, stored, undone, asked, business.currency)

    about = {"reason": reason, "reverses": entry.id, "terminal": entry.terminal, "point_of_sale": entry.point_of_sale}
    return Action(
        name="reverse_account",
        title=f"reverse_account {entry.account}",
        arguments={"entry": entry.id, "amount": asked, "reason": reason},
        verdict=Verdict(eligibility.is_member(business.schema, found.program)),
        about={"program": found.program, "account": found.name},
        effects=lambda occasion: (_booking(business, found, "reverse", change, about),),
    )


def opened(
    business: Business, customer: str, account: str, limit: Number | None, *, anew: bool, key: str | None = None
) -> CustomerAccount:
    """Open a member's account with a limit of its own, or give one that is open (`anew`) another limit."""
    found = business.known(Account, account, "account")
    request = Request(
        action="set_limit" if anew else "open_account", arguments={"account": found.name, "limit": limit},
        about={"customer": customer}, key=key,
    )

    def open_it(writer: Writer) -> Sequence[CustomerAccount]:
        hold_customer(writer, customer)
        if writer.get(Membership, customer, found.program) is None:
            raise Refusal(Reason.NOT_A_MEMBER, details={"program": found.program})
        known = writer.get(CustomerAccount, customer, found.name)
        fresh = CustomerAccount(customer_id=customer, account=found.name, program=found.program, opened_at=business.now())
        made = evolve(known or fresh, **limits(business, found, limit))
        if known is not None and not anew:
            if limit is not None and made != known:
                raise Conflict("the account is open already, with another limit; set_limit changes it")
            return [known]
        writer.put([made])
        return [made]

    [opened] = once(business, request, open_it)
    return opened


def limits(business: Business, account: Account, limit: Number | None) -> dict[str, Any]:
    """Return the column that holds a credit limit of such an account, with the limit as it was asked for."""
    number = None if limit is None else _read_amount(business, account, limit, "credit_limit", least=0)
    if account.kind is not AccountKind.MONEY:
        return {"credit_units": number}
    return {"credit_limit": None if number is None else Money.from_minor(number, business.currency)}


def _booking(business: Business, account: Account, kind: str, change: Change, about: Mapping[str, Any]) -> Booking:
    """Return the effect that changes each customer's account by what `change` says, as far as the rule lets it."""

    def book(writer: Writer, occasion: Occasion, turns: Sequence[Turn]) -> Booked:
        standing = standings(writer, account, [turn.customer_id for turn in turns])
        added: list[Any] = []
        refused: dict[str, Refusal] = {}
        for turn in turns:
            mine = standing[turn.customer_id]
            number = change(writer, mine)
            if not isinstance(number, Refusal):
                number = rules.allowed(account, mine, number, business.currency)
            if isinstance(number, Refusal):
                refused[turn.customer_id] = number
                continue
            own: dict[str, Any] = {
                "customer_id": turn.customer_id, "account": account.name, "program": account.program,
            }
            if not mine.opened:
                added.append(CustomerAccount(**own, opened_at=occasion.now))
            added.append(AccountEntry(
                **own, id=numbered(occasion.applied_id, ENTRY, turn.number), kind=kind,
                **_numbercolumn_of(business, account, number), occurred_at=mine.next_at(occasion.now), actor=occasion.actor,
                applied_id=occasion.applied_id, **about,
            ))
        return Booked(added=added, refused=refused)

    return Booking((AccountEntry, CustomerAccount), book)


def _opening(business: Business, account: Account, occasion: Occasion) -> Template:
    """Return the effect that opens the account of those who do not have it yet."""
    return Template(
        record=CustomerAccount,
        values={
            "customer_id": CustomerKey(), "account": Given(account.name), "program": Given(account.program),
            "opened_at": Given(occasion.now),
        },
        verdict=Verdict(eligibility.has_no_account(business.schema, account.name)),
    )


def _entry_template(
    business: Business, account: Account, kind: str, number: int, occasion: Occasion, about: Mapping[str, Any]
) -> Template:
    money = {"amount": Given(number), "amount_currency": Given(business.currency)}
    return Template(
        record=AccountEntry,
        values={
            "customer_id": CustomerKey(), "id": NewId(ENTRY), "account": Given(account.name),
            "program": Given(account.program), "kind": Given(kind),
            **(money if account.kind is AccountKind.MONEY else {"units": Given(number)}),
            "occurred_at": Given(occasion.now), **{name: Given(value) for name, value in about.items()},
            "actor": Given(occasion.actor), "applied_id": Given(occasion.applied_id),
        },
    )


def _noticecolumns_of(business: Business, account: Account, number: int) -> dict[str, Source]:
    """Return what the notice tells: the amount, or as many units, and the balance after it."""
    word, _ = columns_of(account)
    balance = Of(business.shown(Field(("accounts", account.name, word))))
    if account.kind is not AccountKind.MONEY:
        return {"points": Given(number), "balance": balance}
    return {"amount": Given(number), "amount_currency": Given(business.currency), "balance": balance}


def _describe_entry(
    business: Business, *, terminal: str | None, reference: str | None, text: str = ""
) -> dict[str, str | None]:
    """Return what an entry says beside its number: where it was made, and what it refers to."""
    place = {"point_of_sale": None, **booked_at(business, terminal)}
    return {**place, "reference": reference_of(reference), "text": checked(text, field="text")}


def _read_amount(
    business: Business,
    account: Account,
    amount: Number,
    field: str = "amount",
    *,
    least: int = 1,
    signed: bool = False,
) -> int:
    """Return an amount as a whole number of minor units or units, checked."""
    if account.kind is AccountKind.MONEY:
        number = business.amount(amount, field=field).minor
    else:
        message = f"{field} is a whole number of units, at most {rules.LARGEST:,}"
        number = whole_number(amount, -rules.LARGEST, rules.LARGEST, field=field, message=message)
    if least <= (abs(number) if signed else number) <= rules.LARGEST:
        return number
    low, high = (_show_number(business, account, each) for each in (least, rules.LARGEST))
    raise Malformed(f"{field} is from {low} to {high}{', up or down' if signed else ''}", field=field)


def _numbercolumn_of(business: Business, account: Account, number: int) -> dict[str, Any]:
    return {"amount" if account.kind is AccountKind.MONEY else "units": rules.shown(account, number, business.currency)}


def _show_number(business: Business, account: Account, number: int) -> Money | int:
    return rules.shown(account, number, business.currency)


def _cost(business: Business, account: Account, number: int) -> Cost:
    """Return the money that will be owed; units are counted by nobody but the account."""
    return Cost(money=Money.from_minor(number, business.currency)) if account.kind is AccountKind.MONEY else Cost()


def _literal(business: Business, account: Account, number: int) -> int | Decimal:
    """Return a number as the filter language writes it: money in major units."""
    shown = _show_number(business, account, number)
    return shown.amount if isinstance(shown, Money) else shown
