from dataclasses import asdict

import pytest

from ebxml.affinity_domain import Tolerance
from exchange.call import Limits
from server.configuration import BadConfiguration, affinity_domain, load, template


@pytest.fixture
def file(tmp_path):
    """Writes coffre.toml and names it."""

    def write(text, name="coffre.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusals(path, environment=None):
    with pytest.raises(BadConfiguration) as refused:
        load(path, environment or {})
    return [str(problem).removeprefix(f"{path}:") for problem in refused.value.problems]


def test_without_a_file_everything_lies_in_one_directory(tmp_path):
    configuration = load(None, {}, tmp_path)
    assert configuration.database.url == f"sqlite:///{tmp_path}/coffre.db"
    assert configuration.repository.documents == str(tmp_path / "documents")
    assert configuration.audit.spool == tmp_path / "audit"
    assert configuration.address == "http://127.0.0.1:8080"
    assert configuration.repository.registry_url == ""


def test_limits_are_those_of_the_journey_unless_set():
    assert load(None, {}).limits.model_dump() == asdict(Limits())


def test_the_door_of_plain_http_needs_users(file):
    path = file("[api]\nenabled = true\n")
    assert refusals(path) == [
        "2: api.enabled: whoever asks there is a user: name identity_providers or a local_provider in [xua], "
        "or leave it off"
    ]


def test_relative_paths_begin_at_the_file(file):
    path = file('[database]\nurl = "sqlite:///db/x.db"\n[repository]\ndocuments = "/srv/documents"\n')
    configuration = load(path, {})
    assert configuration.database.url == f"sqlite:///{path.parent}/db/x.db"
    assert configuration.repository.documents == "/srv/documents"


def test_the_environment_goes_before_the_file(file):
    path = file('[server]\nport = 1\nhost = "10.0.0.1"\n')
    environment = {
        "COFFRE_SERVER__PORT": "8443",
        "COFFRE_DATABASE_URL": "postgresql://coffre@db/coffre",
        "COFFRE_DOCUMENTS": "/srv/documents",
        "COFFRE_REGISTRY_URL": "https://registry.example.lu/registry",
        "COFFRE_DOMAIN__TOLERATE": '["missing-ids"]',
        "COFFRE_CONFIG": str(path),
        "PATH": "/bin",
    }
    configuration = load(path, environment)
    assert (configuration.server.host, configuration.server.port) == ("10.0.0.1", 8443)
    assert configuration.database.url == "postgresql://coffre@db/coffre"
    assert configuration.repository.documents == "/srv/documents"
    assert configuration.repository.registry_url == "https://registry.example.lu/registry"
    assert configuration.domain.tolerate == (Tolerance.MISSING_IDS,)


def test_a_wildcard_address_is_no_address_for_peers():
    assert load(None, {"COFFRE_HOST": "::"}).address == "http://localhost:8080"
    assert load(None, {"COFFRE_HOST": "::1"}).address == "http://[::1]:8080"
    assert load(None, {"COFFRE_BASE_URL": "https://c.lu/dsp/"}).address == "https://c.lu/dsp"


def test_a_configuration_does_not_change():
    configuration = load(None, {})
    with pytest.raises(ValueError, match="frozen"):
        configuration.server.port = 1


def test_a_password_does_not_show_in_what_is_printed():
    assert "s3cret" not in repr(load(None, {"COFFRE_DATABASE_URL": "postgresql://coffre:s3cret@db/coffre"}))


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[server]\n\nprot = 1\n", ["3: server.prot: unknown key, did you mean port?"]),
        (
            "[server]\nx = 1\n",
            ["2: server.x: unknown key, expected one of host, port, base_url, workers, production"],
        ),
        (
            "[sever]\nport = 1\n",
            ["1: sever: unknown key, did you mean server?"],
        ),
        ('[server]\nport = "http"\n', ['2: server.port: expected a whole number, found "http"']),
        ('[server]\nport = "8080"\n', ['2: server.port: expected a whole number, found "8080"']),
        ("[server]\nport = true\n", ["2: server.port: expected a whole number, found true"]),
        ("server.port = 65536\n", ["1: server.port: expected at most 65535, found 65536"]),
        ("[server]\nhost = 5\n", ["2: server.host: expected text in quotes, found 5"]),
        ('[server]\nhost = ""\n', ["2: server.host: expected some text, found none"]),
        ("server = 3\n", ["1: server: expected a table, found 3"]),
        ("[limits]\nmax_results = 0\n", ["2: limits.max_results: expected at least 1, found 0"]),
        (
            '[api]\noperators = ["CN=desk"]\n',
            ["2: api.operators[1]: 'CN=desk' is no SHA-256, expected 64 hexadecimal digits"],
        ),
        (
            '[server]\nbase_url = "coffre.lu"\n',
            ["2: server.base_url: 'coffre.lu' is not an address, expected http:// or https:// and a host"],
        ),
        (
            '[repository]\nunique_id = "1.02"\n',
            [
                "2: repository.unique_id: '1.02' is not an OID, expected numbers joined by dots, "
                "without leading zeros, such as 2.999.1"
            ],
        ),
        (
            '[domain]\nhome_community_id = "2.999.1"\n',
            [
                "2: domain.home_community_id: '2.999.1' does not begin with urn:oid:, "
                "expected an OID as a URN, such as urn:oid:2.999.1"
            ],
        ),
        (
            '[domain]\ntolerate = [\n  "missing-ids",\n  "everything",\n]\n',
            [
                "4: domain.tolerate[2]: expected 'missing-ids', 'action-white-space', "
                "'long-query-values' or 'plain-slot-names', found \"everything\""
            ],
        ),
        (
            '[domain]\ntolerate = "missing-ids"\n',
            ['2: domain.tolerate: expected a list in brackets, found "missing-ids"'],
        ),
        (
            '[domain]\nassigning_authorities = [\n  { oid = "2.999.1" },\n  { name = "x" },\n]\n',
            ["4: domain.assigning_authorities[2].oid: is missing"],
        ),
        (
            '[[domain.assigning_authorities]]\noid = "2.9"\n[[domain.assigning_authorities]]\noid = "x"\n',
            [
                "4: domain.assigning_authorities[2].oid: 'x' is not an OID, expected numbers joined "
                "by dots, without leading zeros, such as 2.999.1"
            ],
        ),
        (
            '[on_demand]\nurl = "https://{uniqueId}.lu/"\n',
            [
                "2: on_demand.url: 'https://{uniqueId}.lu/' is not an address, "
                "expected http:// or https:// and a host"
            ],
        ),
        (
            '[on_demand]\nurl = "https://ehr.lu/{patientId}"\n',
            [
                "2: on_demand.url: 'https://ehr.lu/{patientId}' must hold {uniqueId} or {entryUUID}, "
                "and nothing else in braces"
            ],
        ),
        (
            '[on_demand]\nkey = "node.key"\n',
            ["1: on_demand: a certificate and its key go together"],
        ),
        ("[server]\nport 1\n", ["2: not TOML: Expected '=' after a key in a key/value pair"]),
        ('[server]\nhost = "\n', ["2: not TOML: Illegal character '\\n'"]),
        ("[server]\nport = 1\nport = 2\n", ["3: not TOML: Cannot overwrite a value"]),
    ],
)
def test_a_bad_file_is_refused_with_line_and_reason(file, text, problems):
    assert refusals(file(text)) == problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('certificate = "a.pem"', "a certificate and its key go together"),
        ('client_ca = "ca.pem"', "client_ca needs a certificate and key of our own"),
        (
            'certificate = "a.pem"\nkey = "a.key"\ncrl = "crl.pem"',
            "crl says whom of client_ca's nodes not to trust; it needs client_ca",
        ),
    ],
)
def test_the_files_of_a_node_belong_together(file, text, problem):
    """ITI TF-2: 3.19."""
    assert refusals(file(f"[tls]\n{text}\n")) == [f"1: tls: {problem}"]


def test_a_bad_database_address_is_not_repeated(file):
    """It may hold a password."""
    assert refusals(file('[database]\nurl = "mysql://root:s3cret@db/x"\n')) == [
        "2: database.url: a secret does not stand in this file: use password_file, "
        "or the whole address in COFFRE_DATABASE_URL",
        "2: database.url: expected sqlite:///PATH or postgresql://USER@HOST/DATABASE",
    ]


def test_every_problem_is_told_not_only_the_first(file):
    path = file('[server]\nport = 99999\nhots = "x"\n[limits]\nmax_results = -1\n')
    environment = {"COFFRE_SERVER__WORKERS": "many", "COFFRE_DATABSE_URL": "x"}
    assert refusals(path, environment) == [
        "COFFRE_DATABSE_URL: unknown variable, did you mean COFFRE_DATABASE_URL?",
        'COFFRE_SERVER__WORKERS: expected a whole number, found "many"',
        "2: server.port: expected at most 65535, found 99999",
        "3: server.hots: unknown key, did you mean host?",
        "5: limits.max_results: expected at least 1, found -1",
    ]


def test_an_unknown_key_in_the_environment_names_its_variable():
    assert refusals(None, {"COFFRE_SERVER__PROT": "1"}) == [
        "COFFRE_SERVER__PROT: unknown key, did you mean port?"
    ]


def test_a_file_that_is_not_there_is_refused(tmp_path):
    path = tmp_path / "coffre.toml"
    with pytest.raises(BadConfiguration) as refused:
        load(path, {})
    assert str(refused.value) == f"{path}: cannot be read: No such file or directory"


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path):
    path = tmp_path / "coffre.toml"
    path.write_bytes(b'[server]\nhost = "caf\xe9"\n')
    assert refusals(path) == ["2: byte 20 is not UTF-8"]


def test_a_code_set_that_is_not_there_is_refused(file):
    path = file('[domain]\ncodes = "belgium"\n')
    assert refusals(path) == [
        f"2: domain.codes: there is no file {path.parent}/belgium, "
        "and no built-in code set of that name (luxembourg)"
    ]


def test_the_domain_is_that_of_the_code_set():
    """ITI TF-3: 4.2.3.1.2."""
    domain = affinity_domain(load(None, {}))
    assert domain.home_community_id == "urn:oid:2.999.352.3"
    assert domain.assigning_authorities == {"2.999.352.1"}
    assert ("11502-2", "2.16.840.1.113883.6.1") in domain.codes["typeCode"]
    assert ("11502-2", "2.16.840.1.113883.6.96") not in domain.codes["typeCode"]
    assert "eventCodeList" not in domain.codes
    assert "application/pdf" in domain.mime_types
    assert domain.repository_unique_ids == frozenset()
    assert domain.tolerances == frozenset()


def test_the_configuration_names_authorities_repositories_and_tolerances(file):
    path = file(
        '[repository]\nunique_id = "2.999.7"\n'
        '[domain]\ncodes = ""\nassigning_authorities = [{ oid = "2.999.5", name = "national id" }]\n'
        'repositories = ["2.999.8"]\ntolerate = ["long-query-values"]\n'
    )
    domain = affinity_domain(load(path, {}))
    assert domain.assigning_authorities == {"2.999.5"}
    assert domain.codes == {}
    assert domain.mime_types == frozenset()
    assert domain.repository_unique_ids == {"2.999.7", "2.999.8"}
    assert domain.tolerances == {Tolerance.LONG_QUERY_VALUES}


def test_a_domain_without_an_authority_is_refused(file):
    with pytest.raises(BadConfiguration, match="no assigning authority"):
        affinity_domain(load(file('[domain]\ncodes = ""\n'), {}))


def test_a_bad_code_set_is_refused_by_its_own_lines(file):
    codes = file('[[code]]\nattribute = "typeCode"\ncode = "1"\ndisplay = { en = "x" }\n', "codes.toml")
    path = file('[domain]\ncodes = "codes.toml"\n')
    with pytest.raises(BadConfiguration) as refused:
        affinity_domain(load(path, {}))
    assert str(refused.value) == f"{codes}:1: code[1].scheme: is missing"


def test_the_template_says_what_holds_without_it(file):
    without = load(None, {}, file("").parent)
    assert load(file(template()), {}) == without
    every_key = "".join(
        line.removeprefix("# ") if " = " in line and line.startswith("# ") and line[2].islower() else line
        for line in template().splitlines(keepends=True)
    )
    assert load(file(every_key), {}) == without


def test_the_template_shows_every_key():
    shown = {line.removeprefix("# ").partition(" = ")[0] for line in template().splitlines()}
    for section in load(None, {}):
        assert set(type(section[1]).model_fields) <= shown
