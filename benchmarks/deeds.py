"""A bulk credit against raw INSERT … SELECT of the same rows, and a single credit against hand-written statements."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

import custcrm
from benchmarks.base import Base, filled
from benchmarks.compare import Line, best, heading

RAW = """INSERT INTO custcrm_points_entries
    (customer_id, id, program, kind, delta, shortfall, lot_id, occurred_at, terminal, text, reason, actor)
    SELECT c.id, :prefix || {number}, 'club', 'credit', 100, 0, :prefix || {number}, {now}, 'api', '', '', ''
    FROM (SELECT c.id, row_number() OVER (ORDER BY c.id) AS n FROM custcrm_customers c JOIN custcrm_memberships m
          ON m.customer_id = c.id AND m.program = 'club' AND m.access NOT IN ('blacklisted', 'none')
          WHERE c.loyalty_eligible) c"""
PARTS = {
    "sqlite": {"number": "printf('%012x', c.n)", "now": "1"},
    "postgresql": {"number": "lpad(to_hex(c.n), 12, '0')", "now": "now()"},
}


def run(folder: Path, customers: int, *, postgresql: bool) -> None:
    places = {"sqlite": str(folder / "bench.db")}
    if postgresql:
        places["postgresql"] = os.environ["CUSTCRM_POSTGRES_URL"]
    for dialect, place in places.items():
        base = filled(place, dialect, customers)
        _bulk(base, dialect)
        if dialect == "sqlite":
            _single(base, place)
            _durability(base, place)
        base.close()


def _bulk(base: Base, dialect: str) -> None:
    everyone = base.crm.select("TRUE")
    heading(f"Credit 100 points to all eligible of {base.customers:,} customers on {dialect}, against raw INSERT … SELECT")
    statement = sa.text(RAW.format(**PARTS[dialect]))

    def ours() -> None:
        everyone.credit_points("club", 100).apply(key=str(uuid4()))

    plan = everyone.credit_points("club", 100)

    def apply_alone() -> None:
        plan.apply(key=str(uuid4()))

    def raw() -> None:
        with base.engine.begin() as connection:
            connection.execute(statement, {"prefix": str(uuid4())[:24]})

    mine, alone, theirs = best(ours, apply_alone, raw, rounds=2)
    print(Line("plan and apply", mine, theirs, "raw INSERT … SELECT", "× ≤ 3"))
    print(Line("apply", alone, theirs, "raw INSERT … SELECT", "× ≤ 2"))


def _durability(base: Base, place: str) -> None:
    heading("What durability costs on SQLite: each commit synced (full), against the last ones at the power's mercy (normal)")
    with custcrm.open(place, clock=lambda: base.now, durability="normal") as quick:
        members = base.crm.select("programs.club.access = 'full'").page(limit=500).customers

        def deeds(crm: custcrm.Crm) -> Callable[[], None]:
            def credit() -> None:
                for each in members:
                    crm.points.credit(each, "club", 1)

            return credit

        def batches(crm: custcrm.Crm) -> Callable[[], None]:
            plan = crm.select("TRUE").credit_points("club", 1)
            return lambda: plan.apply(key=str(uuid4())) and None

        full, normal = best(deeds(base.crm), deeds(quick), rounds=3)
        print(Line("one deed", full / len(members), normal / len(members), "the same, durability normal"))
        full, normal = best(batches(base.crm), batches(quick), rounds=2)
        count = -(-base.customers // base.crm._business.batch)
        print(Line(f"one batch of a credit ({base.crm._business.batch:,} at most)", full / count, normal / count,
                   "the same, durability normal"))


def _single(base: Base, place: str) -> None:
    heading("One credit on SQLite, against hand-written statements in one transaction")
    members = base.crm.select("programs.club.access = 'full'").page(limit=500).customers
    raw = sqlite3.connect(place, isolation_level=None)
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("PRAGMA foreign_keys=ON")
    tables = sa.MetaData()
    names = [f"custcrm_{name}" for name in ("programs", "customers", "memberships", "points_entries")]
    tables.reflect(base.engine, only=names)
    programs, customers, memberships, entries = (tables.tables[name] for name in names)
    program = sa.select(programs).where(programs.c.name == sa.bindparam("program"))
    customer = sa.select(customers).where(customers.c.id == sa.bindparam("customer"))
    member = sa.select(memberships).where(
        memberships.c.customer_id == sa.bindparam("customer"), memberships.c.program == sa.bindparam("program")
    )
    entry = sa.insert(entries)

    def core() -> None:
        for each in members:
            with base.engine.begin() as connection:
                connection.execute(program, {"program": "club"}).one()
                found = connection.execute(customer, {"customer": each.id}).one()
                access = connection.execute(member, {"customer": each.id, "program": "club"}).one().access
                assert found.loyalty_eligible and access in ("full", "limited")
                new = str(uuid4())
                connection.execute(entry, {
                    "customer_id": each.id, "id": new, "program": "club", "kind": "credit", "delta": 1, "shortfall": 0,
                    "lot_id": new, "occurred_at": 1, "terminal": "api", "text": "", "reason": "", "actor": "",
                })

    def ours() -> None:
        for member in members:
            base.crm.points.credit(member, "club", 1)

    def theirs() -> None:
        for member in members:
            raw.execute("BEGIN IMMEDIATE")
            raw.execute("SELECT * FROM custcrm_programs WHERE name = ?", ("club",)).fetchone()
            found = raw.execute("SELECT * FROM custcrm_customers WHERE id = ?", (member.id,)).fetchone()
            access = raw.execute(
                "SELECT access FROM custcrm_memberships WHERE customer_id = ? AND program = ?", (member.id, "club")
            ).fetchone()
            assert found is not None and access[0] in ("full", "limited")
            new = str(uuid4())
            raw.execute(
                "INSERT INTO custcrm_points_entries (customer_id, id, program, kind, delta, shortfall, lot_id, occurred_at,"
                " terminal, text, reason, actor) VALUES (?, ?, 'club', 'credit', 1, 0, ?, 1, 'api', '', '', '')",
                (member.id, new, new),
            )
            raw.execute("COMMIT")

    mine, by_core, by_driver = best(ours, core, theirs, rounds=3)
    print(Line(f"{len(members)} credits", mine, by_core, "hand-written SQLAlchemy Core", "× ≤ 1.5"))
    print(Line(f"{len(members)} credits", mine, by_driver, "hand-written sqlite3, no SQLAlchemy"))
    raw.close()
