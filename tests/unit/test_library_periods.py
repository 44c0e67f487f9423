"""The times that questions name and documents are of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from freehold.library.periods import Period, dated, names_time, of_the_time, periods_in, series_of


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("How were sales in Q3 2022?", [Period(2022, 3)]),
        ("2022 Q3 AAPL.pdf", [Period(2022, 3)]),
        ("first quarter of 2023, against 4Q 2022", [Period(2023, 1), Period(2022, 4)]),
        ("im dritten Quartal 2022 und im 1. Quartal 2023", [Period(2022, 3), Period(2023, 1)]),
        ("el tercer trimestre de 2022", [Period(2022, 3)]),
        ("three months ended June 25, 2022", [Period(2022, 0, 6, 25)]),
        ("am 25. Juni 2022", [Period(2022, 0, 6, 25)]),
        ("el 25 de junio de 2022", [Period(2022, 0, 6, 25)]),
        ("le 1er mars, puis en août 2021", [Period(2021, 0, 8)]),
        ("minutes 2023-04-01.docx", [Period(2023, 0, 4, 1)]),
        ("scan_20230401", [Period(2023, 0, 4, 1)]),
        ("Brief vom 01.04.2023", [Period(2023, 0, 4, 1)]),
        ("Invoice March 2023", [Period(2023, 0, 3)]),
        ("invoice 2023-03", [Period(2023, 0, 3)]),
        ("fiscal 2022", [Period(2022)]),
        ("May I ask what happened in 1939?", [Period(1939)]),
        ("call 20225551 about room 1408", []),
        ("the second boat", []),
    ],
)
def test_times_are_read_as_people_write_them(text, periods):
    assert list(periods_in(text)) == periods


@given(some.text(max_size=80))
def test_any_text_is_read(text):
    for period in periods_in(text):
        assert 1900 <= period.year <= 2099 and 0 <= period.quarter <= 4
        assert 0 <= period.month <= 12 and 0 <= period.day <= 31


def test_a_document_is_of_the_times_in_its_name_and_the_first_at_its_beginning():
    apple = dated("2022 Q3 AAPL.pdf", "Form 10-Q\nFor the quarterly period ended June 25, 2022\nas of July 15, 2022")
    assert apple.is_of([Period(2022, 3)]) and apple.is_of([Period(2022, 0, 6, 25)]) and apple.is_of([Period(2022)])
    assert not apple.is_of([Period(2022, 2)]), "its own quarter counts, not the calendar's"
    assert not apple.is_of([Period(2022, 0, 7)]) and not apple.is_of([Period(2023, 3)])


def test_months_tell_the_quarter_where_none_is_named():
    amazon = dated("10-Q.pdf", "For the quarterly period ended September 30, 2022")
    assert amazon.is_of([Period(2022, 3)]) and not amazon.is_of([Period(2022, 2)])


def test_a_year_alone_counts_in_a_name_only():
    speech = dated("speech.txt", "In January 1941, Franklin Roosevelt came to this chamber.")
    assert not speech.is_of([Period(1941)]) and speech.is_of([Period(1941, 0, 1)])
    assert dated("speech 1941.txt", "").is_of([Period(1941)])


def test_the_newest_is_looked_for_among_documents_that_differ_in_their_times_only():
    documents = {
        1: ("2022 Q3 AAPL.pdf", ""),
        2: ("2023 Q1 AAPL.pdf", ""),
        3: ("2022 Q3 AMZN.pdf", ""),
        4: ("2022 Q1 AMZN.pdf", ""),
        5: ("Lease 2024.pdf", ""),
        6: ("notes.txt", ""),
    }
    assert of_the_time("What does the latest 10-Q say?", documents) == {2, 3}
    assert of_the_time("What does the most recent 10-Q say of Q3 2022?", documents) == {1, 3}
    assert of_the_time("What did 2024 bring?", documents) == {5}
    assert of_the_time("What does it say?", documents) == frozenset()


def test_a_name_without_its_times_is_its_series():
    assert series_of("2022 Q3 AAPL.pdf") == series_of("2023 Q1 AAPL.pdf") != series_of("2023 Q1 AMZN.pdf")
    assert series_of("Invoice 2023-04.pdf") == series_of("invoice March 2024.pdf")


def test_most_questions_name_no_time():
    assert not names_time("Who built the harbour?") and not names_time("Who came second?")
    assert names_time("What is in the latest letter?") and names_time("Was steht im neuesten Brief?")
    assert names_time("¿Qué dice el informe más reciente?") and names_time("Was war 2019?")
