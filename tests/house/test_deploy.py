"""What others run: the image, the composition and the units say what docs/operations.md promises.

No container engine runs here, so this reads the files; it can not tell whether an engine takes them.
"""

import configparser
import re
import shlex
from functools import lru_cache
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.house.sources import ROOT, project
from tracker.settings import NAMES
from workers.cli import COMMANDS

OURS = ("web", "worker", "beat")
RUNNING = (*OURS, "db", "redis")
DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted(path.name for path in DEPLOY.glob("*.service"))


@lru_cache
def stages() -> list[list[tuple[str, str]]]:
    """The Dockerfile's stages: each a list of instructions with what follows them."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = [line.strip() for line in bare.replace("\\\n", " ").splitlines() if line.strip()]
    found: list[list[tuple[str, str]]] = []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append((word, " ".join(rest.split())))
    return found


def said(stage: int, word: str) -> list[str]:
    return [rest for name, rest in stages()[stage] if name == word]


@lru_cache
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


# --- the image ---


def test_the_image_knows_no_instruction_that_we_did_not_mean() -> None:
    known = {
        "FROM",
        "ENV",
        "WORKDIR",
        "RUN",
        "COPY",
        "VOLUME",
        "USER",
        "EXPOSE",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }
    assert {word for stage in stages() for word, _ in stage} <= known


def test_images_have_a_version_and_no_address() -> None:
    bases = [rest.split()[0] for stage in range(2) for rest in said(stage, "FROM")]
    bases += [service["image"] for name, service in services().items() if "build" not in service]
    for base in bases:
        name, _, tag = base.partition(":")
        assert "." not in name.partition("/")[0], base
        assert re.search(r"\d", tag), f"{base} would be another one tomorrow"


def test_the_image_runs_the_python_that_is_tested_and_allowed() -> None:
    versions = {rest.split(":")[1].partition("-")[0] for stage in range(2) for rest in said(stage, "FROM")}
    least = project()["project"]["requires-python"].removeprefix(">=")
    assert versions == {least}


def test_what_runs_is_not_root_and_holds_no_secret() -> None:
    assert said(1, "USER") == ["10001:10001"]
    assert stages()[1][-1][0] == "CMD"
    for stage in range(2):
        for line in said(stage, "ENV"):
            assert not re.search(r"(KEY|SECRET|PASSWORD|TOKEN)", line)


def test_what_is_installed_is_what_the_lock_names() -> None:
    installs = [rest for rest in said(0, "RUN") if "pip install" in rest]
    assert "--require-hashes -r requirements.txt" in installs[0]
    assert "--no-deps" in installs[1]
    assert "--no-index" in installs[1]
    assert "uninstall --yes setuptools pip" in installs[1]


def test_the_last_stage_builds_nothing_and_takes_the_environment_alone() -> None:
    assert said(1, "COPY") == ["--from=build /opt/cadencia /opt/cadencia"]
    assert not any(
        tool in rest for rest in said(1, "RUN") for tool in ("pip", "gcc", "build-essential", "git")
    )


def test_everything_that_is_copied_is_let_in_and_there() -> None:
    let_in = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {name for rest in said(0, "COPY") for name in rest.split()[:-1]}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_the_rooms_that_are_packed_are_all_copied() -> None:
    rooms = {room.rstrip("*") for room in project()["tool"]["setuptools"]["packages"]["find"]["include"]}
    copied = {name for rest in said(0, "COPY") for name in rest.split()[:-1]}
    assert rooms <= copied


def test_of_googles_descriptions_those_that_we_use_are_kept() -> None:
    client = (ROOT / "integrations" / "google" / "client.py").read_text(encoding="utf-8")
    used = {f"{name}.{version}.json" for name, version in re.findall(r'\.build\("(\w+)", "(\w+)"\)', client)}
    kept = set(re.findall(r"! -name '([^']+)'", " ".join(said(0, "RUN"))))
    assert kept == used


def test_the_image_says_how_it_is() -> None:
    (check,) = said(1, "HEALTHCHECK")
    assert "/ready" in check
    assert said(1, "CMD") == ['["up", "--host", "0.0.0.0"]']


# --- the composition ---


def test_it_has_all_that_a_company_needs() -> None:
    assert set(services()) == {*RUNNING, "tables"}


@pytest.mark.parametrize("name", RUNNING)
def test_each_part_has_the_least_rights_and_a_sign_of_life(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["restart"] == "unless-stopped"
    assert name == "web" or service["healthcheck"]["test"][0] == "CMD"  # the image has the site's
    assert "privileged" not in service


@pytest.mark.parametrize("name", OURS)
def test_our_parts_run_commands_and_settings_that_exist(name: str) -> None:
    service = services()[name]
    assert service["command"][0] in COMMANDS
    for setting in service["environment"]:
        assert setting.removeprefix("CADENCIA_").removesuffix("_FILE") in NAMES
    if name != "web":
        assert service["healthcheck"]["test"][2] in COMMANDS


def test_secrets_are_files_and_stand_nowhere_else() -> None:
    declared = set(compose()["secrets"])
    used = {secret for service in services().values() for secret in service.get("secrets", [])}
    assert used == declared
    for service in services().values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"(KEY|SECRET|PASSWORD|TOKEN|DATABASE_URL|MAIL_URL)", name):
                assert name.endswith("_FILE"), name
                assert value.removeprefix("/run/secrets/") in declared


def test_only_the_site_is_reached_and_only_from_this_machine() -> None:
    ports = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}
    assert compose()["networks"]["inside"]["internal"] is True
    assert all(services()[name]["networks"] == ["inside"] for name in ("db", "redis"))


def test_tables_are_brought_up_to_date_before_anybody_works() -> None:
    assert services()["tables"]["command"] == ["init"]
    assert services()["web"]["depends_on"]["tables"] == {"condition": "service_completed_successfully"}
    assert services()["tables"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    for name in ("worker", "beat"):
        assert services()[name]["depends_on"] == {"web": {"condition": "service_healthy"}}


def test_backups_are_made_by_programs_as_new_as_the_server() -> None:
    server = services()["db"]["image"].partition(":")[2].partition("-")[0]
    assert any(f"postgresql-client-{server}" in rest for rest in said(1, "RUN"))


# --- systemd ---


def unit(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(DEPLOY / name, encoding="utf-8")
    return parser


def test_there_is_a_unit_for_each_process() -> None:
    assert UNITS == [
        "cadencia-backup.service",
        "cadencia-beat.service",
        "cadencia-worker.service",
        "cadencia.service",
    ]


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_a_command_that_exists_with_the_least_rights(name: str) -> None:
    service = unit(name)["Service"]
    words = shlex.split(service["ExecStart"].replace("exec ", ""))
    command = " ".join(words).split("/bin/cadencia ")[1].split()[0]
    assert command in COMMANDS
    assert service["User"] == "cadencia"
    for right in ("NoNewPrivileges", "PrivateTmp", "ProtectHome"):
        assert service[right] == "yes"
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")


def test_the_backup_has_a_time_of_day() -> None:
    assert unit("cadencia-backup.timer")["Timer"]["OnCalendar"]
