"""Server and audit repository are killed and cut off from each other while records are on their way."""

import random

from tests.torture.audit import torture


def test_whatever_breaks_each_answer_has_one_record_on_each_side(tmp_path):
    """A short `make torture-audit` (ITI TF-2: 3.20): each of the three blows, and both logs verify."""
    assert "each recorded once on both sides" in torture(tmp_path, random.Random(5), 3)
