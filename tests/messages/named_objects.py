"""Registered objects under short names: in what is sent to a registry, and in what it answers."""

import re
from collections.abc import Mapping

from lxml import etree

from tests.messages.requests import fresh_oid, fresh_uuid
from tests.wire import HttpAnswer

_OBJECTS = ("ExtrinsicObject", "RegistryPackage", "Association", "ObjectRef")


class Names:
    """Gives each name a UUID and an OID of its own, and knows them again.

    An object that the registry made itself is called by its ends: `F>A`.
    """

    def __init__(self) -> None:
        self._uuids: dict[str, str] = {}
        self._oids: dict[str, str] = {}

    def uuid(self, name: str) -> str:
        """The entryUUID of the object of this name."""
        return self._uuids.setdefault(name, fresh_uuid())

    def oid(self, name: str) -> str:
        """Its uniqueId."""
        return self._oids.setdefault(name, fresh_oid())

    def call(self, name: str, uuid: str) -> None:
        """Give a name to what somebody else made."""
        self._uuids[name] = uuid

    def spelled(self, value: str) -> str:
        """The text as on the wire, where uuid(A) stands for A's entryUUID, and oid(A) for its uniqueId."""
        ids = {"uuid": self.uuid, "oid": self.oid}
        return re.sub(r"(uuid|oid)\(([^)]*)\)", lambda found: ids[found[1]](found[2]), value)

    @property
    def _known(self) -> Mapping[str, str]:
        return {uuid: name for name, uuid in self._uuids.items()}

    def of(self, answer: HttpAnswer) -> list[str]:
        """The names of the objects in an answer, sorted; one that comes twice stands there twice."""
        (found,) = answer.found("RegistryObjectList")
        return sorted(self._name(one) for one in found if etree.QName(one).localname in _OBJECTS)

    def elements(self, answer: HttpAnswer) -> dict[str, etree._Element]:
        """The objects in an answer by their names."""
        (found,) = answer.found("RegistryObjectList")
        return {self._name(one): one for one in found if etree.QName(one).localname in _OBJECTS}

    def _name(self, obj: etree._Element) -> str:
        entry_uuid = str(obj.get("id"))
        if name := self._known.get(entry_uuid):
            return name
        ends = [self._known.get(str(obj.get(end)), "?") for end in ("sourceObject", "targetObject")]
        return ">".join(ends)
