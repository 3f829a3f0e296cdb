"""The Python target against hand-written comprehensions and other engines; compiling from text."""

from __future__ import annotations

import attrs

from benchmarks.compare import Line, best, heading
from benchmarks.rows import FILTERS, NOW, SCHEMA, hand_dicts, hand_objects, make


def run(count: int) -> None:
    _compiling()
    rows = make(count)
    dicts = [attrs.asdict(row, recurse=False) for row in rows]
    heading(f"Python target, {count:,} rows, against a hand-written list comprehension (speed ratio = 1 / ×)")
    for name, text in FILTERS.items():
        rule = SCHEMA.parse(text)
        assert rule.select(dicts, as_of=NOW) == hand_dicts(name, dicts)
        assert rule.select(rows, as_of=NOW) == hand_objects(name, rows)
        ours, theirs = best(lambda: rule.select(dicts, as_of=NOW), lambda: hand_dicts(name, dicts))
        print(Line(f"{name} dictionaries", ours, theirs, "comprehension", "× ≤ 1.3"))
        ours, theirs = best(lambda: rule.select(rows, as_of=NOW), lambda: hand_objects(name, rows))
        print(Line(f"{name} attrs objects", ours, theirs, "comprehension", "× ≤ 1.6"))
    _peers(dicts[: count // 10])


def _compiling() -> None:
    row = attrs.asdict(make(1)[0], recurse=False)

    def ours() -> None:
        SCHEMA.parse(FILTERS["F3"]).matches(row, as_of=NOW)

    rule_engine = _rule_engine(FILTERS_RULE_ENGINE["F3"])
    heading("Compiling F3 from text to an answer about one row")
    times = 20     # one after the other, as an app would
    mine, theirs = best(lambda: [ours() for _ in range(times)], lambda: [rule_engine() for _ in range(times)], rounds=20)
    print(Line("text → answer", mine / times, theirs / times, "rule-engine", "≤ 1.2 ms"))


FILTERS_RULE_ENGINE = {
    "F1": "sales_count > 5",
    "F2": "sales_count > 5 and country == 'FI' and last_sale != null",
    "F3": "((country in ['FI', 'SE', 'NO'] and sales_count >= 3 and sales_total > 20000) or "
          "(country == 'DE' and affiliation == 'CUSTOMER')) and accepts_marketing and "
          "email != null and (email =~~ '^a' or email =~~ '^m') and "
          "((last_sale != null and last_sale >= d'2025-11-21 12:00:00') or "
          "(birth_date != null and birth_date < d'1980-01-01'))",
}


def _rule_engine(text: str):
    import rule_engine

    context = rule_engine.Context(default_value=None, default_timezone="utc")
    return lambda: rule_engine.Rule(text, context=context)


def _peers(dicts: list[dict[str, object]]) -> None:
    import rule_engine

    heading(f"Python target, {len(dicts):,} rows, against other engines")
    context = rule_engine.Context(default_value=None, default_timezone="utc")
    for row in dicts:
        row["affiliation"] = row["tags"].get("USER_AFFILIATION")    # type: ignore[attr-defined]
    for name in FILTERS:
        rule, mine = rule_engine.Rule(FILTERS_RULE_ENGINE[name], context=context), SCHEMA.parse(FILTERS[name])
        numbers = [row for row in dicts if row["sales_count"] is not None]
        assert len(list(rule.filter(numbers))) == len(mine.select(numbers, as_of=NOW))
        ours, theirs = best(lambda: mine.select(numbers, as_of=NOW), lambda: list(rule.filter(numbers)), rounds=3)
        print(Line(f"{name} dictionaries", ours, theirs, "rule-engine", "× ≤ 0.02"))
    from json_logic import jsonLogic

    logic = {"F1": {">": [{"var": "sales_count"}, 5]},
             "F2": {"and": [{">": [{"var": "sales_count"}, 5]}, {"==": [{"var": "country"}, "FI"]},
                            {"!!": [{"var": "email"}]}]}}
    mine = SCHEMA.parse(FILTERS["F1"])
    ours, theirs = best(lambda: mine.select(dicts, as_of=NOW),
                        lambda: [row for row in dicts if jsonLogic(logic["F1"], row)], rounds=3)
    print(Line("F1 dictionaries", ours, theirs, "JsonLogic (panzi-json-logic)"))
    mine2 = SCHEMA.parse("sales_count > 5 AND country = 'FI' AND email EXISTS")
    ours, theirs = best(lambda: mine2.select(dicts, as_of=NOW),
                        lambda: [row for row in dicts if jsonLogic(logic["F2"], row)], rounds=3)
    print(Line("F2 (email EXISTS) dictionaries", ours, theirs, "JsonLogic (panzi-json-logic)"))
