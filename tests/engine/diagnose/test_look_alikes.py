"""Look-alikes are named by both rows, and are rows."""

from __future__ import annotations

from gradproof_server.engine.diagnose.variants import TABLE, look_alikes


def test_both_rows_name_each_other() -> None:
    """Whoever declares it, both rows name the other, once, and none itself."""
    rows = {variant.code: variant for variant in TABLE}
    for variant in TABLE:
        assert variant.code not in variant.look_alikes
        assert len(set(variant.look_alikes)) == len(variant.look_alikes)
        assert all(variant.code in rows[other].look_alikes for other in variant.look_alikes), variant.code


def test_measured_look_alikes_are_rows() -> None:
    """No code of the measured pairs is one that the table has not."""
    codes = {variant.code for variant in TABLE}
    assert {code for one, others in look_alikes.MEASURED.items() for code in (one, *others.split())} <= codes
