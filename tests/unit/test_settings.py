"""Settings: what is read, what is refused with which line, what is never shown."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.base.errors import ConfigurationError
from bot.base.settings import (
    NEAR,
    SIMULATOR_MCP,
    SIMULATOR_POLICY,
    Settings,
    Transport,
    near_misses,
)
from bot.base.settings_types import ALLOWED, Rate
from bot.process.outside import smtp_mail
from tests.support.root import ROOT

BOT = "xoxb-1-2-CANARYbot"
APP = "xapp-1-A1-CANARYapp"
SIGNING = "CANARYsigning0123456789abcdef"
DATABASE = "postgresql://bot:CANARYdatabase@db.example:5432/bot"
OPENAI = "sk-CANARYopenai0123456789"
SOCKET = {"SLACK_BOT_TOKEN": BOT, "SLACK_APP_TOKEN": APP}
HTTP = {"SLACK_BOT_TOKEN": BOT, "SLACK_SIGNING_SECRET": SIGNING}


def refusal(environ: dict[str, str], dotenv: Path | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Settings.load(environ, dotenv)
    sentence = str(caught.value)
    assert "CANARY" not in sentence
    assert sentence.isprintable(), "one line"
    return sentence


def test_without_any_variable_the_simulator_starts_on_loopback() -> None:
    settings = Settings.load({})
    assert settings.transport is Transport.SIMULATOR
    assert (settings.host, settings.port) == ("127.0.0.1", 3000)
    assert settings.policy_file == SIMULATOR_POLICY
    assert settings.files_dir == Path(".data/files")
    assert settings.database_url is None
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.tools == ("files", "sandbox", "email", "database", "mcp")
    assert settings.public_url == "http://localhost:3000"
    assert settings.link_secret is not None
    assert settings.rate_limit == (Rate("messages", 60, 60), Rate("clicks", 300, 60))
    assert settings.retention == dt.timedelta(days=90)
    assert settings.sweep_interval == 5.0
    assert (settings.log_format, settings.log_level) == ("text", "info")
    assert [*settings.notes()] == []


@pytest.mark.parametrize(
    ("environ", "transport"),
    [
        ({}, Transport.SIMULATOR),
        ({"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": " "}, Transport.SIMULATOR),
        (SOCKET, Transport.SOCKET),
        (SOCKET | {"HOST": "0.0.0.0"}, Transport.SOCKET),
        (HTTP, Transport.HTTP),
        (HTTP | {"SLACK_APP_TOKEN": ""}, Transport.HTTP),
        (SOCKET | HTTP, Transport.SOCKET),
    ],
)
def test_the_slack_variables_choose_the_transport(
    environ: dict[str, str], transport: Transport
) -> None:
    assert Settings.load(environ).transport is transport


def test_sandbox_tools_are_off_outside_the_simulator_by_default() -> None:
    assert Settings.load(SOCKET).tools == ("files",)
    assert Settings.load(HTTP | {"TOOLS": "files,sandbox"}).tools[1] == "sandbox"
    assert Settings.load({"TOOLS": "files"}).tools == ("files",)


def test_socket_mode_beside_a_signing_secret_is_said() -> None:
    (note,) = Settings.load(SOCKET | HTTP).notes()
    assert "Socket Mode" in note
    assert [*Settings.load(SOCKET).notes()] == []


def test_a_base_url_without_a_key_is_said() -> None:
    (note,) = Settings.load({"OPENAI_BASE_URL": "http://localhost:11434/v1"}).notes()
    assert "OPENAI_API_KEY" in note


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SLACK_APP_TOKEN": APP}, ["SLACK_BOT_TOKEN is missing", "SLACK_APP_TOKEN"]),
        ({"SLACK_SIGNING_SECRET": SIGNING}, ["SLACK_BOT_TOKEN is missing"]),
        ({"SLACK_BOT_TOKEN": BOT}, ["SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"]),
        ({"SLACK_API_URL": "http://localhost:1/"}, ["SLACK_BOT_TOKEN is missing"]),
        ({"SLACK_BOT_TOKN": BOT}, ["SLACK_BOT_TOKEN is missing", "SLACK_BOT_TOKN"]),
        ({"HOST": "0.0.0.0"}, ["HOST=0.0.0.0", "loopback", "SLACK_BOT_TOKEN"]),
        ({"HOST": "bot.example"}, ["HOST=bot.example", "loopback"]),
    ],
)
def test_anything_between_the_transports_names_what_is_missing(
    environ: dict[str, str], words: list[str]
) -> None:
    sentence = refusal(environ)
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_the_simulator_takes_every_loopback_host(host: str) -> None:
    assert Settings.load({"HOST": host}).transport is Transport.SIMULATOR


BAD = [
    ("SLACK_BOT_TOKEN", "xoxp-CANARY", "xoxb-"),
    ("SLACK_CLIENT_ID", "one.two", "two numbers with a dot"),
    ("SLACK_CLIENT_SECRET", "CANARY CANARY", "without spaces"),
    ("AGENT_CONTEXT", "CANARY", "a JSON object"),
    ("AGENT_CONTEXT", '["CANARY"]', "a JSON object"),
    ("SLACK_BOT_TOKEN", "xoxb-CANARY\nxoxb-2", "xoxb-"),
    ("SLACK_BOT_TOKEN", "xoxb-", "xoxb-"),
    ("SLACK_APP_TOKEN", "xapp-CANARY 2", "xapp-"),
    ("SLACK_APP_TOKEN", BOT, "xapp-"),
    ("SLACK_SIGNING_SECRET", "CANARY CANARY", "without spaces"),
    ("SLACK_API_URL", "slack.com/api", "https://"),
    ("SLACK_API_URL", "ftp://slack.com/", "https://"),
    ("SLACK_API_URL", "https://me:CANARY@slack.com/", "password"),
    ("SLACK_API_URL", "https://CANARY@slack.com/", "password"),
    ("DATABASE_URL", "mysql://me:CANARY@db/x", "postgresql://"),
    ("DATABASE_URL", "host=db password=CANARY", "postgresql://"),
    ("DATABASE_URL", "postgresql://me:CANARY@db/x?CANARY=1", "libpq"),
    ("OPENAI_API_KEY", "sk-CANARY 0123456789", "without spaces"),
    ("OPENAI_BASE_URL", "localhost:11434", "https://"),
    ("OPENAI_BASE_URL", "http://[::1", "https://"),
    ("PUBLIC_URL", "http://bot.example", "https://"),
    ("PUBLIC_URL", "https://bot.example/?a=1", "without ?"),
    ("PUBLIC_URL", "https://bot.example/?", "without ?"),
    ("APPROVALS_URL", "http://bot.example", "https://"),
    ("APPROVALS_TOKEN", "CANARY with blanks", "without spaces"),
    ("HOST", "not a host", "an address"),
    ("PORT", "0", "1 to 65535"),
    ("PORT", "65536", "1 to 65535"),
    ("PORT", "٣٠٠٠", "1 to 65535"),
    ("PORT", "+80", "1 to 65535"),
    ("PORT", "8_0", "1 to 65535"),
    ("PORT", "30\n00", "1 to 65535"),
    ("PORT", BOT, "1 to 65535"),
    ("RATE_LIMIT", "60", "messages=60/m"),
    ("RATE_LIMIT", "messages=0/m", "messages=60/m"),
    ("RATE_LIMIT", "messages=1/m,messages=2/m", "messages=60/m"),
    ("RATE_LIMIT", "clicks=5/w", "messages=60/m"),
    ("RETENTION", "90", "units"),
    ("RETENTION", "0d", "more than 0"),
    ("RETENTION", "999999d", "at most"),
    ("SWEEP_INTERVAL", "5", "0.05s"),
    ("SWEEP_INTERVAL", "0.01s", "0.05s"),
    ("SWEEP_INTERVAL", "61m", "60m"),
    ("SWEEP_INTERVAL", "nans", "0.05s"),
    ("AUDIT_KEY", "CANARY", "64 hex digits"),
    ("AUDIT_KEY", "ab" * 31, "64 hex digits"),
    ("AUDIT_SINK", "ftp://audit.example/", "https://"),
    ("AUDIT_SINK", "http://audit.example/in", "https://"),
    ("AUDIT_INTERVAL", "0s", "1s"),
    ("AUDIT_INTERVAL", "1 hour", "1s"),
    ("WEBHOOK_ALLOW_PRIVATE", "perhaps", "1 or 0"),
    ("FAULT_POINT", "somewhere", "received, asking"),
    ("FAULT_POINT", "claimed:often", "for the second time"),
    ("FAULT_POINT", "claimed:²", "for the second time"),
    ("TIME_LIMITS", "patience=1", "NAME=SECONDS, comma-separated, of slack_call"),
    ("TIME_LIMITS", "slack_call=11", "at most the default"),
    ("TIME_LIMITS", "slack_call=0", "more than 0"),
    ("TIME_LIMITS", "slack_call", "NAME=SECONDS"),
    ("LOG_FORMAT", "xml", "'text' or 'json'"),
    ("LOG_LEVEL", "loud", "'debug'"),
    ("LOG_LEVEL", "warn", "Did you mean warning?"),
    ("TOOLS", "files,browser", "allowed is one or more of files, sandbox, email"),
    ("TOOLS", "email", "set SMTP_URL and SMTP_FROM"),
    ("API_TOKENS", "CANARY", "SHA256-OF-THE-TOKEN:TEAM:USER"),
    ("API_TOKENS", f"{'0' * 64}:T01:U01,{'0' * 64}:T01:U02", "one person"),
    ("API_AGENTS", f"{'0' * 64}:T01:CANARY:U01", "a name of a-z"),
    ("API_AGENTS", f"{'0' * 64}:T01:a:U01,{'1' * 64}:T01:a:U01", "each name once"),
    ("LINK_SECRET", "CANARY", "at least 32"),
    ("SMTP_FROM", "Bot <bot@example.com>", "one e-mail address"),
    ("SMTP_FROM", "bot@example.com\nBcc: x@example.com", "one e-mail address"),
    ("SMTP_URL", "https://CANARY@mail.example", "smtp://"),
    ("SMTP_URL", "smtp://mail.example:x", "smtp://"),
    ("SMTP_URL", "smtp://mail.example:0", "smtp://"),
    ("SMTP_URL", "smtp://mail.example/CANARY", "smtp://"),
    ("SMTP_URL", "smtp://CANARY CANARY@mail.example", "smtp://"),
    ("WEBHOOK_URL", "ftp://CANARY", "https://"),
    ("WEBHOOK_SECRET", "CANARY", "at least 32"),
    ("WEBHOOK_ALLOW_PRIVATE", "maybe", "1 or 0"),
    ("TOOLS", "sandbox,database", "set SQL_URL with it"),
    ("SQL_URL", "mysql://CANARY@db/shop", "postgresql://, or sqlite:PATH"),
    ("TOOLS", "files,mcp", "set MCP_CONFIG with it"),
]
# Any text may be right; what is not there is told of by the start.
ANY_TEXT = {"OPENAI_MODEL", "AGENT", "POLICY_FILE", "FILES_DIR", "MCP_CONFIG"}


def test_each_variable_has_a_bad_value_here() -> None:
    assert {name.upper() for name in Settings.model_fields} - ANY_TEXT == {
        name for name, _, _ in BAD
    }


@pytest.mark.parametrize(("name", "value", "allowed"), BAD)
def test_a_bad_value_is_one_line_naming_what_is_allowed(
    name: str, value: str, allowed: str
) -> None:
    sentence = refusal(SOCKET | HTTP | {name: value})
    assert sentence.startswith(f"{name}=")
    assert allowed in sentence


@pytest.mark.parametrize(
    "key",
    [
        "00" * 32,
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_an_audit_key_is_hex_or_base64(key: str) -> None:
    settings = Settings.load({"AUDIT_KEY": key})
    assert settings.audit_key is not None
    assert settings.audit_key.get_secret_value() == bytes(32)
    assert key not in repr(settings)


def test_checkpoints_go_to_public_addresses_unless_tests_say_otherwise() -> None:
    key = {"AUDIT_KEY": "00" * 32}
    for sink in ("https://127.0.0.1/in", "https://10.0.0.1/in", "http://localhost/in"):
        assert "AUDIT_SINK=" in refusal(key | {"AUDIT_SINK": sink})
        given = key | {"AUDIT_SINK": sink, "WEBHOOK_ALLOW_PRIVATE": "1"}
        assert Settings.load(given).audit_sink == sink


def test_a_place_for_checkpoints_without_a_key_is_refused() -> None:
    assert "AUDIT_KEY is not" in refusal({"AUDIT_SINK": "folder"})


def test_sign_in_needs_both_halves_and_a_bot_token() -> None:
    pair = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "CANARY-SECRET"}
    assert Settings.load(SOCKET | pair).slack_client_id == "1.2"
    assert "several workspaces" in refusal(pair)
    for name, value in pair.items():
        assert "go together" in refusal(SOCKET | {name: value})
    assert "SLACK_CLIENT_ID='1'" in refusal(SOCKET | pair | {"SLACK_CLIENT_ID": "1"})


@pytest.mark.parametrize("rest", ["1-2-ab", "e1_x.y", "A+b/c=", "1~%"])
def test_a_token_is_told_by_its_beginning(rest: str) -> None:
    tokens = {"SLACK_BOT_TOKEN": f"xoxb-{rest}", "SLACK_APP_TOKEN": f"xapp-{rest}"}
    assert Settings.load(tokens).transport is Transport.SOCKET


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SLACK_API_URL", "http://127.0.0.1:8/api", "http://127.0.0.1:8/api/"),
        ("SLACK_API_URL", "http://127.0.0.1:8/api//", "http://127.0.0.1:8/api/"),
        ("PUBLIC_URL", "https://bot.example/", "https://bot.example"),
        ("PUBLIC_URL", "http://localhost:3000", "http://localhost:3000"),
        ("OPENAI_BASE_URL", "http://localhost:1/v1", "http://localhost:1/v1"),
        ("OPENAI_MODEL", "gpt-5", "gpt-5"),
        ("PORT", "65535", 65535),
        ("POLICY_FILE", "/etc/bot/policy.yml", Path("/etc/bot/policy.yml")),
        ("FILES_DIR", "files", Path("files")),
        ("TOOLS", "files, files", ("files",)),
        ("TOOLS", "sandbox", ("sandbox",)),
        ("TOOLS", "sandbox,files", ("sandbox", "files")),
        ("RATE_LIMIT", "off", ()),
        ("RATE_LIMIT", "clicks=5/s", (Rate("messages", 60, 60), Rate("clicks", 5, 1))),
        ("RETENTION", "12h", dt.timedelta(hours=12)),
        ("SWEEP_INTERVAL", "0.1s", 0.1),
        ("SWEEP_INTERVAL", "2m", 120.0),
        ("LOG_FORMAT", "JSON", "json"),
        ("LOG_LEVEL", "debug", "debug"),
    ],
)
def test_a_good_value_is_read(name: str, value: str, expected: object) -> None:
    settings = Settings.load(SOCKET | {name: f" {value} "})
    assert getattr(settings, name.lower()) == expected


HALVES = {
    "SMTP_URL": "smtp://me:CANARY@mail.example",
    "SMTP_FROM": "bot@example.com",
    "WEBHOOK_URL": "https://hooks.example/CANARY",
    "WEBHOOK_SECRET": "CANARY" * 8,
}


@pytest.mark.parametrize("name", HALVES)
def test_what_works_only_together_is_set_together(name: str) -> None:
    sentence = refusal(SOCKET | {name: HALVES[name]})
    assert "together" in sentence
    assert sentence.split()[0] in HALVES.keys() - {name}, "it names what is missing"


def test_servers_count_only_among_the_tools() -> None:
    named = SOCKET | {"MCP_CONFIG": "mcp.json"}
    own = Settings.load(named)
    assert (own.servers_file, own.has_demo_servers) == (Path("mcp.json"), False)
    assert Settings.load(named | {"TOOLS": "files"}).servers_file is None
    demo = Settings.load(SOCKET | {"MCP_CONFIG": str(SIMULATOR_MCP)})
    assert demo.has_demo_servers


def test_a_mail_server_brings_the_mail_tool() -> None:
    settings = Settings.load(SOCKET | HALVES)
    assert settings.tools == ("files", "email")
    assert "me:CANARY" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("smtp://mail.example", ("mail.example", 587, "", "", False)),
        ("SMTPS://a%40b:p%3A@[::1]", ("::1", 465, "a@b", "p:", True)),
        ("smtps://me:p@@mail.example:25/", ("mail.example", 25, "me", "p@", True)),
    ],
)
def test_a_mail_server_is_read_from_its_url(url: str, read: tuple[object, ...]) -> None:
    mail = smtp_mail(Settings.load(SOCKET | HALVES | {"SMTP_URL": url}))
    assert mail is not None
    assert (mail.host, mail.port, mail.user, mail.password, mail.tls) == read


def test_events_go_over_tls_unless_private_addresses_are_allowed() -> None:
    plain = SOCKET | HALVES | {"WEBHOOK_URL": "http://127.0.0.1:8/CANARY"}
    assert "https://" in refusal(plain)
    allowed = Settings.load(plain | {"WEBHOOK_ALLOW_PRIVATE": "1"})
    assert allowed.webhook_allow_private


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost", "[::1]", "①27.0.0.1"])
def test_threat_44_events_to_a_private_address_are_refused_at_the_start(host: str):
    given = SOCKET | HALVES | {"WEBHOOK_URL": f"https://{host}/CANARY"}
    assert "a public address" in refusal(given)
    assert Settings.load(given | {"WEBHOOK_ALLOW_PRIVATE": "1"}).webhook_url


def test_links_without_an_address_are_said_to_be_off() -> None:
    secret = {"LINK_SECRET": "CANARY" * 8}
    (note,) = Settings.load(SOCKET | secret).notes()
    assert "PUBLIC_URL" in note
    assert [*Settings.load(secret).notes()] == [], "the simulator has an address"


def test_the_policy_of_real_slack_is_not_the_simulators() -> None:
    assert Settings.load(SOCKET).policy_file == Path("policy.yml")
    own = Settings.load({"POLICY_FILE": "mine.yml"})
    assert own.policy_file == Path("mine.yml")


def test_secrets_are_hidden_in_every_output_and_readable_on_demand() -> None:
    settings = Settings.load(
        SOCKET | HTTP | {"DATABASE_URL": DATABASE, "OPENAI_API_KEY": OPENAI}
    )
    for output in (repr(settings), str(settings), settings.model_dump_json()):
        assert "CANARY" not in output
    assert "CANARY" not in repr(settings.model_dump())
    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.get_secret_value() == BOT
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == DATABASE


def test_words_are_kept_for_variables_alone() -> None:
    assert ALLOWED.keys() <= {name.upper() for name in Settings.model_fields}


def test_settings_cannot_be_changed() -> None:
    settings = Settings.load({})
    with pytest.raises(ValidationError):
        settings.port = 1


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=4000\nLOG_LEVEL='debug' # loud\nexport HOST=::1\n")
    settings = Settings.load({"PORT": "5000", "LOG_LEVEL": ""}, dotenv)
    assert settings.port == 5000
    assert settings.log_level == "info", "an empty value hides the line of the file"
    assert settings.host == "::1"


def test_a_dollar_in_the_file_is_a_dollar(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("OPENAI_API_KEY=a${HOME}b\n")
    key = Settings.load({}, dotenv).openai_api_key
    assert key is not None
    assert key.get_secret_value() == "a${HOME}b"


def test_a_missing_file_is_no_error(tmp_path: Path) -> None:
    assert Settings.load({}, tmp_path / ".env").port == 3000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PORT=4000\nSLACK_BOT_TOKEN: xoxb-CANARY\n", "line 2: write NAME=value"),
        (b"OPENAI_MODEL=\xff\xfe\n", "UTF-8"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(content)
    assert words in refusal({}, dotenv)


def test_the_bot_kills_itself_only_where_slack_is_not_real() -> None:
    fault = SOCKET | {"FAULT_POINT": "claimed:2"}
    assert "on loopback; unset it" in refusal(fault)
    inside = fault | {"SLACK_API_URL": "http://127.0.0.1:1/api/"}
    assert Settings.load(inside).fault_point == "claimed:2"
    assert Settings.load({"FAULT_POINT": "@file"}).fault_point == "@file"


def test_time_limits_are_lowered_only_where_slack_is_not_real() -> None:
    lowered = SOCKET | {"TIME_LIMITS": "slack_call=1,stalled=2.5"}
    assert "TIME_LIMITS is for tests" in refusal(lowered)
    inside = lowered | {"SLACK_API_URL": "http://127.0.0.1:1/api/"}
    assert Settings.load(inside).time_limits == {"slack_call": 1, "stalled": 2.5}


def test_the_example_file_lists_every_variable_commented_and_readable(
    tmp_path: Path,
) -> None:
    example = (ROOT / ".env.example").read_text()
    lines = [line for line in example.splitlines() if re.match(r"#[A-Z_]+=", line)]
    names = [line[1:].split("=")[0] for line in lines]
    known = {name.upper() for name in Settings.model_fields}
    assert sorted(names) == sorted(known | {"POSTGRES_PASSWORD"})
    page = (ROOT / "docs/settings.md").read_text()
    assert [name for name in known if f"`{name}`" not in page] == []
    promised = [line for line in lines if re.search("later|not yet", line)]
    assert promised == []
    dotenv = tmp_path / ".env"
    ours = ("HOST", "PORT", "RATE_LIMIT", "RETENTION", "SWEEP_INTERVAL", "TOOLS")
    taken = [line[1:] for line in lines if line[1:].split("=")[0] in ours]
    dotenv.write_text("\n".join(taken))
    assert Settings.load(SOCKET, dotenv) == Settings.load(SOCKET), "it shows defaults"


def test_a_misspelt_variable_is_named_with_the_right_one():
    environ = {"SLACK_BOT_TOKN": "x", "PORT": "1", "PATH": "/bin", "HOSTNAME": "h"}
    assert near_misses(environ) == [
        "SLACK_BOT_TOKN is not a setting, so it does nothing. "
        "Did you mean SLACK_BOT_TOKEN?"
    ]


def test_no_near_miss_is_left_out_for_its_letters():
    ours = [name.upper() for name in Settings.model_fields]
    slips = [
        slip
        for name in ours
        for at in (0, len(name) // 2)
        for slip in (name[:at] + name[at + 1 :], name[:at] + "X" + name[at + 1 :])
    ]
    nearest = [difflib.get_close_matches(slip, ours, 1, NEAR) for slip in slips]
    found = near_misses(dict.fromkeys(set(slips) - set(ours), "x"))
    wanted = {near[0] for near in nearest if near}
    assert {line.split("Did you mean ")[1].rstrip("?") for line in found} == wanted
