"""What was told yesterday is not told again until it changes: night after night, by hand."""

from datetime import timedelta

import pytest

from crm_reports.night.alerts import Memory, State
from crm_reports.settings import Settings
from stores import at

BOSS, ALERT = "boss@acme.example", "Too little won"


def state(value: float, kind: str = "below", *, span: str = "2025-03-01", row: str = "1") -> State:
    """Anna's number of that month; the lower the worse."""
    return State(ALERT, row, "Anna", kind, span, -value if kind == "below" else 0.0, f"Won money, Anna: {value}")


class Nights:
    """One reader's nights, one after the other; whoever is told gets the message, unless the server is down."""

    def __init__(self, folder) -> None:
        self.settings = Settings(home=folder, data=folder)
        self.as_of, self.out = at("2025-03-20"), set()

    def memory(self) -> Memory:
        return Memory(self.settings, lambda reader, key: (reader, key) in self.out)

    def night(self, *states: State, later: int = 1, is_up: bool = True) -> list[str]:
        """What is told in a night so many days later: each row's kind, an empty one for what is well again."""
        self.as_of += timedelta(days=later)
        memory = self.memory()
        news = memory.news(BOSS, ALERT, states, self.as_of)
        if news.is_late:
            return ["late"]
        key = f"{self.as_of}" if news else ""
        memory.expect(BOSS, ALERT, news, self.as_of, key)
        self.out |= {(BOSS, key)} if is_up else set()
        return [told.kind for told in (*news.fired, *news.over)]


@pytest.fixture
def nights(tmp_path):
    return Nights(tmp_path)


def test_what_was_told_is_told_again_when_it_has_changed_and_not_before(nights):
    assert nights.night(state(900)) == ["below"]
    assert nights.night(state(900), later=0) == []  # the same night twice
    assert nights.night(state(900)) == []  # the next night, unchanged
    assert nights.night(state(800)) == []  # a ninth lower is not worth a word …
    assert nights.night(state(676)) == []  # … nor is anything less than a quarter
    assert nights.night(state(1000, "")) == [""]  # well again
    assert nights.night(state(1000, "")) == []
    assert nights.night(state(950)) == ["below"]  # and back again


def test_what_got_worse_by_a_quarter_is_told_again(nights):
    above = [State(ALERT, "1", "Anna", "above", "", value, "") for value in (10.0, 12.0, 12.5, 12.0, 15.0, 15.7)]
    assert [nights.night(each) for each in above] == [["above"], [], ["above"], [], [], ["above"]]


def test_another_kind_of_the_same_row_is_news_and_another_row_too(nights):
    assert nights.night(state(900)) == ["below"]
    assert nights.night(state(9000, "above")) == ["above"]
    assert nights.night(state(9000, "above"), state(5, row="2")) == ["below"]


def test_a_new_month_is_a_new_matter_and_ends_the_old_one_without_a_word(nights):
    assert nights.night(state(900)) == ["below"]
    assert nights.night(state(900, span="2025-04-01")) == ["below"]
    assert nights.night(state(1000, "", span="2025-05-01")) == []
    assert nights.night(state(900, span="2025-05-01")) == ["below"]


@pytest.mark.parametrize("kind", ["missing", "near"])
def test_what_nobody_knows_tonight_neither_ends_nor_repeats_what_was_told(nights, kind):
    assert nights.night(state(900)) == ["below"]
    assert nights.night(state(0, kind)) == []
    assert nights.night(state(900)) == []


def test_a_message_that_did_not_go_out_is_told_the_next_night(nights):
    assert nights.night(state(900), is_up=False) == ["below"]
    assert nights.night(state(900), is_up=False) == ["below"]
    assert nights.night(state(900)) == ["below"]
    assert nights.night(state(900)) == []


def test_a_word_that_it_is_well_again_that_did_not_go_out_is_told_the_next_night(nights):
    assert nights.night(state(900)) == ["below"]
    assert nights.night(state(1000, ""), is_up=False) == [""]
    assert nights.night(state(1000, "")) == [""]
    assert nights.night(state(1000, "")) == []


def test_a_night_that_was_killed_after_its_message_went_out_does_not_repeat_it(nights):
    """The ledger has the key, and nobody came to write into the memory that it was told."""
    assert nights.night(state(900)) == ["below"]
    standing = nights.memory()._standings[BOSS][ALERT]
    assert (standing.told, standing.key != "", list(standing.then)) == ({}, True, ["1"])
    assert nights.night(state(900)) == []


def test_an_older_night_that_is_made_again_tells_nothing(nights):
    assert nights.night(state(900)) == ["below"]
    assert nights.night(state(500), later=-3) == ["late"]
    assert nights.night(state(900), later=4) == []


def test_a_row_that_is_gone_is_forgotten(nights):
    assert nights.night(state(900)) == ["below"]
    assert nights.night() == []
    assert nights.night(state(900)) == ["below"]


def test_a_missing_memory_says_so_and_what_is_so_is_told(nights):
    assert "nothing is remembered" in nights.memory().problem
    assert nights.night(state(900)) == ["below"]
    assert nights.memory().problem == ""
    (nights.settings.data / "alerts.json").unlink()
    assert "nothing is remembered" in nights.memory().problem
    assert nights.night(state(900)) == ["below"]


@pytest.mark.parametrize(
    "damage", [lambda text: text[: len(text) // 2], lambda text: text.replace("900", "100"), lambda text: "[]"]
)
def test_a_damaged_memory_is_kept_aside_says_so_and_tells_again(nights, damage):
    assert nights.night(state(900)) == ["below"]
    path = nights.settings.data / "alerts.json"
    path.write_text(damage(path.read_text()))
    memory = nights.memory()
    (aside,) = nights.settings.data.glob("alerts.json.*")
    assert "damaged" in memory.problem
    assert aside.name in memory.problem
    assert nights.night(state(900)) == ["below"]


def test_the_memory_is_for_its_owner_alone(nights):
    nights.night(state(900))
    assert (nights.settings.data / "alerts.json").stat().st_mode & 0o077 == 0
