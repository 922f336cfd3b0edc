"""A server in production does not begin without TLS or users, unless it is told so explicitly."""

import subprocess
import sys

import pytest

from server.configuration import load
from server.production import errors_in_production
from tests.services.certificates import Authority
from tests.services.platform import ROOT

ANYWHERE = "0.0.0.0"  # noqa: S104 - it does not begin
EVERYTHING = ("registry", "repository", "audit")
PRODUCTION = "[server]\nproduction = true\n"


@pytest.fixture
def errors_of(tmp_path):
    """The keys that are found wanting, and the first of the reasons."""
    Authority(tmp_path).issue("node")
    (tmp_path / "idp.pem").write_text((tmp_path / "node.pem").read_text())

    def found(text, actors=EVERYTHING):
        path = tmp_path / "coffre.toml"
        path.write_text(text)
        return [str(problem) for problem in errors_in_production(load(path, {}), actors)]

    return found


def keys_of(problems):
    return [problem.partition(":")[0] for problem in problems]


TLS = '[tls]\ncertificate = "node.pem"\nkey = "node.key"\n'
USERS = '[xua]\nidentity_providers = [{ issuer = "https://idp.example.lu", certificates = "idp.pem" }]\n'


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("production = true", "this server is in production, and"),
        ('host = "0.0.0.0"', "this server is in production, for it listens at 0.0.0.0, and"),
        ('host = "coffre.example.lu"', "for it listens at coffre.example.lu, and"),
        ('host = "::"', "for it listens at ::, and"),
        ('base_url = "https://c.lu"', "for it is reached as https://c.lu, and"),
        ('\n[identity]\nmllp_port = 1\nmllp_host = "10.0.0.1"', "for it listens at 10.0.0.1, and"),
    ],
)
def test_who_is_reached_by_others_is_in_production(errors_of, setting, why):
    problems = errors_of(f"[server]\n{setting}\n")
    assert {"tls.certificate", "xua.identity_providers"} == set(keys_of(problems))
    assert all(why in problem for problem in problems)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_who_is_tried_out_on_one_machine_is_not(errors_of, host):
    assert errors_of(f'[server]\nhost = "{host}"\nbase_url = "http://localhost:8080"\n') == []


def test_what_is_there_or_given_up_explicitly_is_not_asked_for(errors_of):
    assert errors_of(PRODUCTION + TLS + USERS) == []
    assert errors_of(PRODUCTION + USERS + '[tls]\nproxies = ["10.0.0.1"]\n') == []
    assert errors_of(PRODUCTION + '[tls]\nplain = ["http"]\n[xua]\nrequired = false\n') == []
    assert keys_of(errors_of(PRODUCTION + TLS)) == ["xua.identity_providers"]
    assert keys_of(errors_of(PRODUCTION + USERS)) == ["tls.certificate"]
    feed = PRODUCTION + USERS + '[identity]\nmllp_port = 1\nmllp_host = "::"\n'
    assert keys_of(errors_of(feed + '[tls]\nplain = ["http"]\n')) == ["tls.certificate"]
    assert errors_of(feed + '[tls]\nplain = ["http", "mllp"]\n') == []


def test_an_audit_repository_by_itself_has_no_users(errors_of):
    assert errors_of(PRODUCTION, ("audit",)) == []


def test_the_server_says_what_to_set_and_does_not_begin(tmp_path):
    (tmp_path / "coffre.toml").write_text("")
    command = [sys.executable, "-m", "server.command_line", "serve", "--host", ANYWHERE, "--port", "0"]
    command += ["--config", str(tmp_path / "coffre.toml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        "coffre: This was not accepted:",
        "  - tls.certificate: this server is in production, for it listens at 0.0.0.0, and its web services "
        'would be plain: set certificate, key and client_ca, or proxies; or say plain = ["http"]',
        "  - xua.identity_providers: this server is in production, for it listens at 0.0.0.0, and it would "
        "take requests from whoever reaches it: set identity_providers, or a local_provider by coffre idp "
        "init; or say required = false",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coffre.toml"]
