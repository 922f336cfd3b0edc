"""The ids of everything a run makes: the same seed and run give the same ids, another run others."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from conformance.plan import LIBRARY, BadPlan

_PLACE = re.compile(r"\{([^{}]+)\}")
# All UUIDs of the kit are of this family (RFC 9562: 5.5).
_FAMILY = UUID("6b1e7e5c-2f0b-5d44-9d43-5c3c9b6f2a10")


@dataclass(frozen=True)
class Settings:
    """What a domain is called and agrees on: the kit speaks in its codes and under its authorities."""

    authority: str
    repository: str
    home: str
    codes: Mapping[str, tuple[str, ...]]
    seed: str
    run: str
    # Acknowledged in consent documents: the policies by what they do, and the documents' typeCode.
    policies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Names:
    """Ids by the names that a plan gives its objects; `library.x` are those of the shared record."""

    settings: Settings
    plan: str
    known: Mapping[str, str] = field(default_factory=dict)

    def uuid(self, name: str) -> str:
        """The entryUUID of an object."""
        return f"urn:uuid:{self._uuid('object', name)}"

    def oid(self, name: str) -> str:
        """The uniqueId of an object: the OID of a UUID (ITU-T X.667)."""
        return f"2.25.{self._uuid('unique', name).int}"

    def message_id(self, step: str) -> str:
        """The wsa:MessageID of a step."""
        return f"urn:uuid:{self._uuid('message', step)}"

    def patient_local_id(self, name: str) -> str:
        """The first component of a patient's id."""
        return f"kit{self._uuid('patient', name).hex[:16]}"

    def patient(self, name: str) -> str:
        """A patient's id as CX."""
        return f"{self.patient_local_id(name)}^^^&{self.settings.authority}&ISO"

    def content(self, name: str) -> str:
        """What stands in a document of which the plan says nothing else."""
        return f"Document {name} of {self.plan}, {self.oid(name)}\n"

    def filled(self, value: Any) -> Any:
        """Put ids where a text names them: {x.id} {x.uid} {patient} {code.classCode.1} {repository} ..."""
        match value:
            case str():
                return _PLACE.sub(lambda found: self._named(found[1]), value)
            case list():
                return [self.filled(one) for one in value]
            case dict():
                return {self.filled(key): self.filled(one) for key, one in value.items()}
            case _:
                return value

    def code(self, attribute: str, number: int) -> str:
        """A code of the domain's for an attribute as code^^scheme, by its place in the list."""
        codes = self.settings.codes.get(attribute, ())
        if number >= len(codes):
            raise BadPlan(f"the codes of the domain have no number {number} for {attribute}")
        return codes[number]

    def _named(self, place: str) -> str:
        if place in self.known:
            return self.known[place]
        name, _, what = place.rpartition(".")
        kinds: dict[str, Callable[[str], str]] = {
            "id": self.uuid,
            "uid": self.oid,
            "cx": self.patient,
            "local": self.patient_local_id,
            "content": self.content,
            "sha1": lambda one: hashlib.sha1(self.content(one).encode(), usedforsecurity=False).hexdigest(),
            "size": lambda one: str(len(self.content(one).encode())),
        }
        if name and what in kinds:
            return kinds[what](name)
        if place.startswith("code."):
            _, attribute, number = place.split(".")
            return self.code(attribute, int(number))
        if place.startswith("policy."):
            return self._policy(place)
        simple = {
            "authority": self.settings.authority,
            "repository": self.settings.repository,
            "home": self.settings.home,
        }
        if place in simple:
            return simple[place]
        raise BadPlan(f"{self.plan}: nothing is called {{{place}}}")

    def _policy(self, place: str) -> str:
        """{policy.x} is code^^scheme; {policy.x.code} and {policy.x.scheme} are its parts."""
        _, name, *part = place.split(".")
        if name not in self.settings.policies:
            raise BadPlan(f"the domain has no policy {name}")
        code, _, scheme = self.settings.policies[name].partition("^^")
        return {"code": code, "scheme": scheme}[part[0]] if part else self.settings.policies[name]

    def _uuid(self, kind: str, name: str) -> UUID:
        plan = self.plan
        if f"{LIBRARY}." in name:
            # An Association is named after both its ends.
            plan, name = LIBRARY, name.replace(f"{LIBRARY}.", "")
        settings = self.settings
        text = "\n".join((settings.seed, settings.run, plan, kind, name))
        digest = hashlib.sha256(text.encode()).hexdigest()
        return uuid5(_FAMILY, digest)
