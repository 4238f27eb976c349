"""Settings come from the environment and the file, and a wrong one is named but never shown."""

from pathlib import Path

import pytest

from tracker.errors import BadSettings
from tracker.settings import SETTINGS_FILE, Settings, load_settings, unused_names


def _load(folder: Path, text: str = "", **environ: str) -> Settings:
    if text:
        (folder / SETTINGS_FILE).write_text(text, encoding="utf-8")
    return load_settings({f"CADENCIA_{name}": value for name, value in environ.items()}, folder)


def test_without_anything_there_are_defaults(tmp_path: Path) -> None:
    assert _load(tmp_path) == Settings()


def test_the_file_is_read(tmp_path: Path) -> None:
    text = (
        "\ufeff# a comment\n\nCADENCIA_BASE_URL = 'https://m.example.com/'\n"
        'export CADENCIA_TAGS="#uno, dos tres ,"\nCADENCIA_MAIL_FROM=\n'
        "CADENCIA_FEED_HOSTS=A.example b.example\n"
    )
    settings = _load(tmp_path, text)
    assert settings.base_url == "https://m.example.com"
    assert settings.tags == ("#uno", "dos tres")
    assert settings.mail_from == Settings().mail_from
    assert settings.feed_hosts == {"a.example", "b.example"}


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    settings = _load(tmp_path, "CADENCIA_DATABASE_URL=sqlite:///one.db\n", DATABASE_URL="sqlite:///two.db")
    assert settings.database_url == "sqlite:///two.db"


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert _load(tmp_path, "CADENCIA_DATABASE_URL=sqlite:///one.db\n", DATABASE_URL="").database_url.endswith(
        "one.db"
    )


def test_a_secret_may_come_from_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\n")
    assert _load(tmp_path, SECRET_KEYS_FILE=str(tmp_path / "key")).keys == ("secret",)


def test_a_secret_file_of_the_environment_goes_before_the_value_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("new")
    settings = _load(tmp_path, "CADENCIA_SECRET_KEYS=old\n", SECRET_KEYS_FILE=str(tmp_path / "key"))
    assert settings.keys == ("new",)


def test_a_value_and_its_file_at_once_is_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a")
    with pytest.raises(BadSettings, match="not both"):
        _load(tmp_path, SECRET_KEYS="b", SECRET_KEYS_FILE=str(tmp_path / "key"))


def test_keys_are_newest_first_however_they_are_separated(tmp_path: Path) -> None:
    assert _load(tmp_path, SECRET_KEYS="new, old older").keys == ("new", "old", "older")


def test_without_keys_somebody_is_told_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cadencia init"):
        _ = _load(tmp_path).keys


def test_secrets_are_not_in_the_settings_text(tmp_path: Path) -> None:
    assert "s3cret" not in repr(_load(tmp_path, SECRET_KEYS="s3cret", MAIL_URL="smtp://u:s3cret@h"))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "CADENCIA_DATABSE_URL=x",
            "line 1: there is no setting CADENCIA_DATABSE_URL. Did you mean CADENCIA_DATABASE",
        ),
        ("DATABASE_URL=x", "line 1: write CADENCIA_NAME=value"),
        ("CADENCIA_TAGS", "line 1: write CADENCIA_NAME=value"),
        ("CADENCIA_TAGS=a\nCADENCIA_TAGS=b", "line 2: CADENCIA_TAGS stands there twice"),
        ("CADENCIA_DATABASE_URL=mysql://u:s3cret@h/x", "CADENCIA_DATABASE_URL must begin"),
        ("CADENCIA_DATABASE_URL=sqlite:///:memory:", "must name a file"),
        ("CADENCIA_BASE_URL=example.com", "CADENCIA_BASE_URL must be"),
        ("CADENCIA_BASE_URL=https://x.example/?a=b", "CADENCIA_BASE_URL must be"),
        ("CADENCIA_MAIL_URL=http://u:s3cret@h", "CADENCIA_MAIL_URL must begin"),
        ("CADENCIA_CA_BUNDLE=/nowhere/ca.pem", "CADENCIA_CA_BUNDLE: there is no file"),
        ("CADENCIA_GOOGLE_REQUESTS_A_DAY=many", "CADENCIA_GOOGLE_REQUESTS_A_DAY must be a number"),
        ("CADENCIA_CA_BUNDLE=/etc/passwd", "CADENCIA_CA_BUNDLE: /etc/passwd holds no certificate"),
        ("CADENCIA_SECRET_KEYS_FILE=/nowhere/key", "CADENCIA_SECRET_KEYS_FILE: /nowhere/key can not be read"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_kept_back(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(BadSettings, match=said.replace(".", r"\.")) as caught:
        _load(tmp_path, line + "\n")
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_no_text_is_told_of(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_bytes(b"CADENCIA_TAGS=\xff\xfe\n")
    with pytest.raises(BadSettings, match="UTF-8"):
        _load(tmp_path)


def test_another_file_can_be_named_and_has_to_be_there(tmp_path: Path) -> None:
    other = tmp_path / "other.env"
    other.write_text("CADENCIA_TAGS=x\n")
    assert _load(tmp_path, SETTINGS=str(other)).tags == ("x",)
    with pytest.raises(BadSettings, match="no such file"):
        _load(tmp_path, SETTINGS=str(tmp_path / "nope"))


def test_the_bare_name_of_postgresql_gets_its_driver(tmp_path: Path) -> None:
    assert _load(tmp_path, DATABASE_URL="postgresql://h/x").database_url == "postgresql+psycopg://h/x"


def test_names_for_later_versions_are_no_mistake(tmp_path: Path) -> None:
    _load(tmp_path, "CADENCIA_BROKER_URL=redis://localhost\nCADENCIA_OIDC_ISSUER=https://id.example\n")


def test_variables_that_nothing_reads_are_found() -> None:
    environ = {"CADENCIA_TAG": "x", "CADENCIA_TAGS": "x", "CADENCIA_SECRET_KEYS_FILE": "x", "PATH": "x"}
    assert unused_names(environ) == ["CADENCIA_TAG"]
