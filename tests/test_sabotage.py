"""The defects that are made on purpose keep up with the code: `make sabotage` makes them and runs their laws."""

from tools.sabotage import ROOT, defects, laws_of, run_tests


def test_every_defect_can_still_be_made() -> None:
    """Each patch applies to the code as it is: where a rule has moved, its defect has to be made anew."""
    assert [fault for each in defects() if (fault := each.fault(ROOT, dry=True)) is not None] == []


def test_every_law_is_there() -> None:
    """Each patch names tests that there are, by file, function and parameters."""
    ended, said = run_tests(ROOT, "--collect-only", *laws_of(defects()))
    assert ended == 0, said
