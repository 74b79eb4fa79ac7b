"""What was worked out once is there the second time."""

import pytest

from crm_reports.store import Memo


def test_a_thing_is_made_once_however_often_it_is_asked_for():
    memo, made = Memo(), []

    def make():
        made.append(1)
        return len(made)

    assert [memo.once("a", make), memo.once("a", make), memo.once("b", make)] == [1, 1, 2]


def test_a_thing_that_could_not_be_made_is_made_the_next_time():
    memo = Memo()
    with pytest.raises(ZeroDivisionError):
        memo.once("a", lambda: 1 / 0)
    assert memo.once("a", lambda: 1) == 1
