"""Settings: precedence, origins, and what is said about a wrong one."""

from pathlib import Path

import pytest

from mistralish.config import Settings, load_settings, mask_secrets
from mistralish.errors import InputError
from mistralish.sealing import new_key


def load(tmp_path: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object) -> Settings:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return load_settings(flags, file, environ or {})


def test_without_any_source_the_service_listens_on_loopback_with_sqlite(tmp_path: Path) -> None:
    settings = load_settings({}, None, {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)})
    assert (settings.host, settings.port) == ("127.0.0.1", 8989)
    assert settings.database_url == f"sqlite:///{tmp_path}/mistralish/mistralish.db"
    assert {origin for _, _, origin in settings.describe()} == {"default"}


def test_the_default_database_follows_the_data_directory(tmp_path: Path) -> None:
    settings = load(tmp_path, data_dir=str(tmp_path / "here"))
    assert settings.database_url == f"sqlite:///{tmp_path}/here/mistralish.db"


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    text = "host = '0.0.0.0'\nport = 1\nworkers = 3\n"
    settings = load(tmp_path, text, {"MISTRALISH_PORT": "2", "MISTRALISH_HOST": "::1"}, host="localhost")
    origins = {name: (value, origin) for name, value, origin in settings.describe()}
    assert origins["host"] == ("localhost", "flag --host")
    assert origins["port"] == ("2", "environment MISTRALISH_PORT")
    assert origins["workers"] == ("3", f"file {tmp_path}/settings.toml")
    assert origins["max_limit"][1] == "default"


def test_the_file_named_by_the_environment_is_read(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("port = 4242\n")
    assert load_settings({}, None, {"MISTRALISH_CONFIG": str(tmp_path / "other.toml")}).port == 4242


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", ["there is no setting 'prot'", "did you mean 'port'"]),
        ("database_url = 'postgresql://ann@host'", ["database_url", "host/database"]),
        ("database_url = 'sqlite://'", ["database_url", "sqlite:///path"]),
        ("port = 'many'", ["'port' is 'many'", "a whole number from 0 to 65535"]),
        ("port = 70000", ["70000", "from 0 to 65535"]),
        ("port = true", ["'port' is True"]),
        ("workers = 0", ["'workers' is 0", "from 1"]),
        ("host = ''", ["'host'", "not empty"]),
        ("log_level = 'loud'", ["'loud'", "DEBUG, INFO, WARNING, ERROR"]),
        ("database_url = 'oracle://u:hidden@h/x'", ["database_url", "sqlite:///", "postgresql://"]),
        ('host = "a\nport = 1', ["not valid TOML", "line 1"]),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_the_key_and_what_is_right(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, text)
    for word in [*words, "settings.toml"]:
        assert word in caught.value.message
    assert "hidden" not in caught.value.message


def test_a_wrong_environment_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="environment MISTRALISH_PORT: setting 'port' is 'x'"):
        load(tmp_path, environ={"MISTRALISH_PORT": "x"})


def test_the_keys_of_secrets_are_shown_nowhere(tmp_path: Path) -> None:
    keys = (new_key(), new_key())
    for settings in (load(tmp_path, f"secret_keys = {list(keys)}"), load(tmp_path, secret_keys=",".join(keys))):
        assert settings.secret_keys == keys
        assert {name: value for name, value, _ in settings.describe()}["secret_keys"] == "***"
        assert keys[0] not in repr(settings)
    assert {name: value for name, value, _ in load(tmp_path).describe()}["secret_keys"] == "none"


def test_a_wrong_key_is_refused_and_not_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'secret_keys' is \*\*\*.*mistralish secret-key create") as caught:
        load(tmp_path, environ={"MISTRALISH_SECRET_KEYS": "my-own-password"})
    assert "my-own" not in caught.value.message


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_settings({}, tmp_path / "nowhere.toml", {})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:s3cret@db/x", "postgresql://ann:***@db/x"),
        ("postgresql://ann:s3:c@r/et@db/x", "postgresql://ann:***@db/x"),
        (
            "postgresql://db/x?user=ann&password=s3cret&sslmode=require",
            "postgresql://db/x?user=ann&password=***&sslmode=require",
        ),
        ("sqlite:///path/to.db", "sqlite:///path/to.db"),
    ],
)
def test_a_password_in_a_url_is_never_shown(tmp_path: Path, url: str, shown: str) -> None:
    assert mask_secrets(url) == shown
    assert {n: v for n, v, _ in load(tmp_path, database_url=url).describe()}["database_url"] == shown
