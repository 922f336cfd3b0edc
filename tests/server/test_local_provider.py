"""The local identity provider, and what the configuration says about users (ITI TF-2: 3.40)."""

import os
import stat
from datetime import UTC, datetime, timedelta

import pytest

from server.configuration import BadConfiguration, load
from server.local_provider import (
    LocalUser,
    NoSuchUser,
    add_system_user,
    add_user,
    create_provider,
    open_provider,
    read_users,
)
from server.toml_file import BadFile
from server.users import speaking_for_itself, users_of
from tests.messages.assertions import ISSUER, keys
from tests.messages.surroundings import EveryUseIsTheFirst
from xua.acceptance import Presenter, refuse_unacceptable
from xua.security_header import Token
from xua.user import PersonId, Role
from xua.verified import verify


def configured(tmp_path, toml):
    path = tmp_path / "coffre.toml"
    path.write_text(toml)
    return users_of(load(path, {}), EveryUseIsTheFirst())


def refusals(tmp_path, toml):
    with pytest.raises(BadConfiguration) as refused:
        configured(tmp_path, toml)
    return [str(problem).replace(f"{tmp_path}/", "") for problem in refused.value.problems]


def test_what_it_issues_is_accepted_by_the_server_that_names_it(tmp_path):
    """ITI TF-2: 3.40.4.1.2."""
    create_provider(tmp_path / "idp")
    row = LocalUser(name='Dr Anne "A" Muller', id="4711", authority="2.999.9", organization="Cabinet")
    add_user(tmp_path / "idp", "a.muller", row)
    users = configured(tmp_path, '[xua]\nlocal_provider = "idp"\n')
    assert users.required
    provider = open_provider(tmp_path / "idp")
    content = provider.token(provider.user("a.muller"), "urn:oid:2.999.352.3", timedelta(minutes=5))
    now = datetime.now(UTC)
    assertion = verify(Token(content, False), users.trust, now).assertion
    refuse_unacceptable(assertion, users.policy, Presenter(), now)
    assert assertion.user.name == 'Dr Anne "A" Muller'
    assert assertion.user.id == PersonId("2.999.9", "4711")
    assert assertion.user.role == Role("221", "2.16.840.1.113883.2.9.6.2.7", "Medical doctor")
    assert assertion.user.organization_name == "Cabinet"


def test_its_files_are_for_its_owner_only(tmp_path):
    """Whoever reads the key can be anyone."""
    create_provider(tmp_path / "idp")
    for path in (tmp_path / "idp").iterdir():
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_it_vouches_for_nobody_that_it_does_not_know(tmp_path):
    create_provider(tmp_path)
    add_user(tmp_path, "a", LocalUser(name="A"))
    with pytest.raises(NoSuchUser) as refused:
        open_provider(tmp_path).user("b")
    assert refused.value.known == ("a",)


def test_a_mistake_among_its_users_is_told_by_line(tmp_path):
    create_provider(tmp_path)
    (tmp_path / "users.toml").write_text('issuer = "urn:x"\n[users.a]\nname = "A"\nrloe = "x"\n')
    with pytest.raises(BadFile, match=r"users.toml:4: users.a.rloe: unknown key, did you mean role\?"):
        read_users(tmp_path)
    (tmp_path / "users.toml").write_text(
        'issuer = "urn:x"\n[users.a]\nname = "A"\nspecialty = { cod = "x" }\n'
    )
    with pytest.raises(
        BadFile, match=r"users.toml:4: users.a.specialty.cod: unknown key, did you mean code\?"
    ):
        read_users(tmp_path)


def test_without_an_identity_provider_nobody_can_be_asked_for_an_assertion(tmp_path, caplog):
    users = configured(tmp_path, "")
    assert not users.required
    assert caplog.messages == [
        "no identity provider is configured: requests are taken from whoever reaches this server"
    ]


def test_a_provider_whose_certificates_end_soon_is_named_at_the_start(tmp_path, caplog):
    provider = f'[xua]\nidentity_providers = [{{ issuer = "{ISSUER}", certificates = "idp.pem" }}]\n'
    soon = keys("ends soon", days=29)
    (tmp_path / "idp.pem").write_bytes(soon.pem)
    configured(tmp_path, provider)
    end = soon.certificate.not_valid_after_utc
    assert caplog.messages == [
        f"the last certificate of the identity provider {ISSUER} ends on {end:%Y-%m-%d}"
    ]
    caplog.clear()
    (tmp_path / "idp.pem").write_bytes(soon.pem + keys("ends late", days=60).pem)
    configured(tmp_path, provider)
    assert caplog.messages == []


def test_a_new_key_leaves_the_users_as_they_are(tmp_path):
    create_provider(tmp_path)
    add_user(tmp_path, "a", LocalUser(name="A"))
    before = open_provider(tmp_path)
    (tmp_path / "key.pem").unlink()
    (tmp_path / "certificate.pem").unlink()
    create_provider(tmp_path)
    after = open_provider(tmp_path)
    assert after.content == before.content
    assert after.signer.certificate != before.signer.certificate


def test_a_repository_speaks_for_itself_when_nobody_has_asked_it(tmp_path):
    """ITI TF-2: 3.40: a registry elsewhere asks for a user all the same."""
    create_provider(tmp_path / "idp")
    add_system_user(tmp_path / "idp", "coffre")
    path = tmp_path / "coffre.toml"
    path.write_text('[xua]\nlocal_provider = "idp"\nsystem_user = "coffre"\n')
    itself = speaking_for_itself(load(path, {}))
    assert itself is not None
    one, other = itself(), itself()
    assert one.token != other.token
    users, now = users_of(load(path, {}), EveryUseIsTheFirst()), datetime.now(UTC)
    assertion = verify(Token(one.token, False), users.trust, now).assertion
    refuse_unacceptable(assertion, users.policy, Presenter(), now)
    assert assertion.user == one.user
    assert (assertion.user.name, assertion.user.role) == (
        "Coffre repository",
        Role("system", "", "Technical user"),
    )


def test_a_system_user_that_nobody_knows_is_refused_at_the_start(tmp_path):
    path = tmp_path / "coffre.toml"
    path.write_text('[xua]\nsystem_user = "coffre"\n')
    with pytest.raises(BadConfiguration, match="system_user is one of the local_provider's"):
        load(path, {})
    create_provider(tmp_path / "idp")
    path.write_text('[xua]\nlocal_provider = "idp"\nsystem_user = "coffre"\n')
    with pytest.raises(BadConfiguration, match="the local provider knows no user 'coffre', but nobody"):
        speaking_for_itself(load(path, {}))


def test_certificates_that_do_not_do_are_refused_at_the_start(tmp_path):
    """ITI TF-2: 3.19, BCP 195."""
    provider = f'[xua]\nidentity_providers = [{{ issuer = "{ISSUER}", certificates = "idp.pem" }}]\n'
    assert refusals(tmp_path, provider) == ["idp.pem: cannot be read: No such file or directory"]
    (tmp_path / "idp.pem").write_text("no certificate")
    assert refusals(tmp_path, provider) == ["idp.pem: holds no certificate, expected PEM"]
    (tmp_path / "idp.pem").write_bytes(keys("idp").pem + keys("weak", "rsa-1024").pem)
    assert refusals(tmp_path, provider) == ["idp.pem: its RSA key has 1024 bits, expected 2048 or more"]
    (tmp_path / "idp.pem").write_bytes(keys("idp").pem + keys("next idp").pem)
    (known,) = configured(tmp_path, provider).trust.providers
    assert len(known.certificates) == 2


def test_a_key_that_cannot_decrypt_is_refused_at_the_start(tmp_path):
    key = '[xua]\ndecryption_keys = ["us.key"]\n'
    (tmp_path / "us.key").write_bytes(keys("curve", "ec-256").key_pem)
    assert refusals(tmp_path, key) == ["us.key: holds no RSA key without a passphrase, expected PEM"]
    (tmp_path / "us.key").write_bytes(keys("us").key_pem)
    assert len(configured(tmp_path, key).trust.decryption_keys) == 1
