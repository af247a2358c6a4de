"""What the README says of the settings is what the program has."""

from pathlib import Path

from mistralish.config import about_settings

README = Path(__file__).parents[3] / "README.md"


def test_the_readme_lists_every_setting_with_its_default() -> None:
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    for name, default, about in about_settings():
        assert f"| `{name}` | `{default}` | {about} |" in rows
