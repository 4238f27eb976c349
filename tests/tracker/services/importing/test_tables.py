"""Files as spreadsheets write them are read; what can not be is named with file and line."""

import codecs

import pytest

from tracker.errors import BadInput
from tracker.services.importing.tables import BadCell, Columns, File, Table, read_table

COLUMNS = Columns(known=("email", "name", "country"), required=("email", "name"))


def _read(text: str | bytes) -> Table:
    data = text.encode() if isinstance(text, str) else text
    return read_table(File("people.csv", data), COLUMNS)


def _rows(text: str | bytes) -> list[tuple[str, str, str]]:
    table = _read(text)
    table.problems.raise_any()
    return [(row["email"], row["name"], row["country"]) for row in table.rows]


def _problems(text: str | bytes) -> list[str]:
    with pytest.raises(BadInput) as caught:
        _read(text).problems.raise_any()
    return caught.value.problems


PLAIN = "email,name,country\na@x.com,Ana Núñez,ES\nb@x.com,Bea,\n"
WANTED = [("a@x.com", "Ana Núñez", "ES"), ("b@x.com", "Bea", "")]


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        "sep=;\n" + PLAIN.replace(",", ";"),
        '"sep=;"\r\n' + PLAIN.replace(",", ";"),
        "\ufeffsep=,\n" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", "\r\r\n"),
        PLAIN.removesuffix("\n"),
        PLAIN.replace("email,name,country", "EMail, Name ,COUNTRY"),
        PLAIN.replace("email,name,country", '"email","name","country"'),
        PLAIN.replace("Ana Núñez", " Ana\u00a0 Núñez\u200b "),
        PLAIN.replace("Ana Núñez", '"Ana\nNúñez"'),
        PLAIN.replace("Ana Núñez", "Ana Nu\u0301n\u0303ez"),
        PLAIN.replace("a@x.com,", 'a@x.com, "').replace("Núñez,", 'Núñez",'),
        "\n\n" + PLAIN + "\n,,\n",
        PLAIN.replace("\n", ",,\n"),
        "country,name,email\nES,Ana Núñez,a@x.com\n,Bea,b@x.com\n",
        PLAIN.replace("b@x.com,Bea,", "b@x.com,Bea"),
    ],
)
def test_it_reads_what_spreadsheets_write(text: str) -> None:
    assert _rows(text)[: len(WANTED)] == WANTED


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_it_reads_utf_16_with_its_mark(mark: bytes) -> None:
    encoding = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    assert _rows(mark + PLAIN.replace(",", "\t").encode(encoding)) == WANTED


def test_a_quoted_separator_is_text() -> None:
    assert _rows('email,name\na@x.com,"Núñez, Ana ""la Jefa"""\n') == [
        ("a@x.com", 'Núñez, Ana "la Jefa"', "")
    ]


def test_another_encoding_is_refused_with_its_line_and_how_to_save() -> None:
    assert _problems(PLAIN.encode("cp1252"))[0].startswith("people.csv, line 2: the file is not in UTF-8")


def test_a_workbook_is_recognised() -> None:
    assert "workbook" in _problems(b"PK\x03\x04 and so on")[0]


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", ",,\n"])
def test_an_empty_file_is_told_what_belongs_into_it(text: str) -> None:
    assert "email,name,country" in _problems(text)[0]


def test_a_header_alone_has_no_rows() -> None:
    assert _rows("email,name\n") == []


def test_unknown_and_missing_columns_are_named_with_what_may_be_meant() -> None:
    first, second = _problems("email,nmae\n")
    assert "“nmae”" in first
    assert "name?" in first
    assert "missing columns: name" in second


def test_a_column_that_stands_there_twice_is_refused() -> None:
    assert "twice" in _problems("email,name,Name\na,b,c\n")[0]


def test_lines_count_from_where_a_row_begins() -> None:
    table = _read('email,name\na@x.com,"A\n\nB"\n\nb@x.com,\n')
    assert [row.line for row in table.rows] == [2, 6]
    assert table.problems.found[0][1].startswith("people.csv, line 6, name:")


def test_too_many_cells_and_nameless_ones_are_named() -> None:
    first, second = _problems("email,name,\na@x.com,Ana,,extra\nb@x.com,Bea,what\n")
    assert first.startswith("people.csv, line 2: has more cells")
    assert second.startswith("people.csv, line 3: has a cell below an empty header")


def test_a_quotation_mark_that_does_not_close_is_placed_where_it_opens() -> None:
    (problem,) = _problems('email,name\na@x.com,Ana\nb@x.com,"Bea\nc@x.com,Cleo\n')
    assert problem.startswith("people.csv, line 3: a quotation mark opens here")


@pytest.mark.parametrize("text", ["email,name\na@x.com,A\x00na\n", "email,name\na@x.com,A\x1b[31mna\n"])
def test_control_characters_are_refused(text: str) -> None:
    assert _problems(text)[0].startswith("people.csv, line 2, name: holds a control character")


def test_a_cell_beyond_all_measure_is_refused() -> None:
    assert "longer" in _problems("email,name\na@x.com," + "x" * 5000 + "\n")[0]
    assert _problems("email,name\na@x.com," + "x" * 200_000 + "\n")


def test_an_empty_cell_is_not_read_and_a_bad_one_is_noted() -> None:
    def refuse(_: str) -> int:
        raise BadCell("is no good.")

    table = _read("email,name\na@x.com,Ana\n")
    assert table.problems.take(table.rows[0], "country", refuse) is None
    assert table.problems.found == []
    assert table.problems.take(table.rows[0], "name", refuse) is None
    assert table.problems.found == [(2, "people.csv, line 2, name: is no good.")]
