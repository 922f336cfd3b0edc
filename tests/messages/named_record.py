"""One patient's record in a running registry, its objects called by short names."""

from collections.abc import Iterable

from tests.messages import requests
from tests.messages.named_objects import Names
from tests.messages.requests import (
    APPROVED,
    DEPRECATED,
    ITI_42,
    ON_DEMAND,
    SUCCESS,
    association,
    slot,
    submit,
)
from tests.services.platform import Platform
from tests.wire import HttpAnswer, envelope, post

TYPES = {
    "RPLC": "urn:ihe:iti:2007:AssociationType:RPLC",
    "XFRM": "urn:ihe:iti:2007:AssociationType:XFRM",
    "APND": "urn:ihe:iti:2007:AssociationType:APND",
    "XFRM_RPLC": "urn:ihe:iti:2007:AssociationType:XFRM_RPLC",
    "signs": "urn:ihe:iti:2007:AssociationType:signs",
    "IsSnapshotOf": "urn:ihe:iti:2010:AssociationType:IsSnapshotOf",
    "SubmitAssociation": "urn:ihe:iti:2010:AssociationType:SubmitAssociation",
}
EMPTY_SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
_STATUSES = {APPROVED: "Approved", DEPRECATED: "Deprecated"}


class NamedRecord:
    """Sends what tests describe, and tells what the registry then holds."""

    def __init__(self, platform: Platform, names: Names | None = None) -> None:
        self.platform = platform
        self.names = names or Names()
        self.patient_id = platform.add_patient()

    def document(self, name: str, sha1: str = EMPTY_SHA1, size: int = 0, **attributes: str) -> str:
        """A stable DocumentEntry."""
        return requests.document_entry(
            self.patient_id,
            self.names.oid(name),
            self.names.uuid(name),
            slots=requests.registered(sha1, size),
            **attributes,
        )

    def on_demand(self, name: str) -> str:
        """An on-demand DocumentEntry."""
        return requests.document_entry(
            self.patient_id,
            self.names.oid(name),
            self.names.uuid(name),
            slots=slot("repositoryUniqueId", requests.REPOSITORY),
            object_type=ON_DEMAND,
            creationTime="",
        )

    def folder(self, name: str, **attributes: str) -> str:
        return requests.folder(self.patient_id, self.names.oid(name), self.names.uuid(name), **attributes)

    def version(
        self,
        name: str,
        of: str,
        *,
        inside: str = "",
        previous: str = "1",
        propagate: str = "",
        **attributes: str,
    ) -> str:
        """The next version of a document, with its annotated membership in the SubmissionSet `inside`."""
        entry = self.document(name, EMPTY_SHA1, 0, **attributes).replace(
            self.names.oid(name), self.names.oid(of)
        )
        member = self.link(f"{inside}>{name}", status="Original", more=_annotation(previous, propagate))
        return self._following(of, entry) + (member if inside else "")

    def folder_version(
        self, name: str, of: str, *, inside: str, previous: str = "1", propagate: str = "", **attributes: str
    ) -> str:
        """The next version of a Folder, with its annotated membership."""
        folder = self.folder(name, **attributes).replace(self.names.oid(name), self.names.oid(of))
        member = self.link(f"{inside}>{name}", more=_annotation(previous, propagate))
        return self._following(of, folder) + member

    def _following(self, of: str, xml: str) -> str:
        return xml.replace(' id="', f' lid="{self.names.uuid(of)}" id="', 1)

    def change(self, submission_set: str, target: str, old: str = APPROVED, new: str = DEPRECATED) -> str:
        """An UpdateAvailabilityStatus."""
        whole = requests.status_change(self.names.uuid(target), old, new)
        return whole.replace("SubmissionSet1", self.names.uuid(submission_set))

    def submitted(self, submission_set: str, said: str) -> str:
        """An Association and the SubmitAssociation that asks for it."""
        source, _, rest = said.partition(" ") if " " in said else said.partition(">")
        payload = f"{source}>{rest.rpartition(' ')[2]}"
        return self.link(said) + association(
            self.names.uuid(submission_set),
            self.names.uuid(payload),
            TYPES["SubmitAssociation"],
            id=f"submits-{payload}".replace(">", "-"),
        )

    def submission_set(self, name: str, **attributes: str) -> str:
        return requests.submission_set(
            self.patient_id, self.names.oid(name), self.names.uuid(name), **attributes
        )

    def link(self, said: str, status: str = "", more: str = "") -> str:
        """`F>A` is a membership, `C RPLC A` a relationship; that is called C>A as well."""
        source, _, rest = said.partition(" ") if " " in said else said.partition(">")
        type, _, target = rest.rpartition(" ")
        return association(
            self.names.uuid(source),
            self.names.uuid(target),
            TYPES[type] if type else requests.HAS_MEMBER,
            status=status,
            id=self.names.uuid(f"{source}>{target}"),
            more=more,
        )

    def placed(self, submission_set: str, folder: str, document: str) -> str:
        """A place in a Folder, which belongs to the SubmissionSet as well."""
        id, member = self.names.uuid, f"{folder}>{document}"
        companion = association(
            id(submission_set), id(member), id=id(f"{submission_set}>({folder}>{document})")
        )
        return self.link(member) + companion

    def send(
        self,
        submission_set: str,
        *,
        documents: Iterable[str] = (),
        folders: Iterable[str] = (),
        places: Iterable[str] = (),
        links: Iterable[str] = (),
        more: str = "",
        action: str = ITI_42,
    ) -> HttpAnswer:
        """Submit these new objects, joined to the SubmissionSet as they must be; `places` are like `F>A`."""
        parts = [self.submission_set(submission_set)]
        for name in documents:
            parts += [self.document(name), self.link(f"{submission_set}>{name}", status="Original")]
        for name in folders:
            parts += [self.folder(name), self.link(f"{submission_set}>{name}")]
        parts += [self.placed(submission_set, *each.split(">")) for each in places]
        parts += [self.link(each) for each in links]
        return post(self.platform.registry_url, envelope(action, submit(*parts, more)))

    def register(self, submission_set: str, **content: Iterable[str]) -> None:
        """Submit by ITI-42 what must be accepted."""
        accepted(self.send(submission_set, **content))  # type: ignore[arg-type]  # the same words

    def all(self) -> HttpAnswer:
        """GetAll, of every status and version."""
        both = f"('{APPROVED}','{DEPRECATED}')"
        answer = self.platform.ask(
            "GetAll",
            ("$patientId", f"'{self.patient_id}'"),
            ("$XDSDocumentEntryStatus", both),
            ("$XDSSubmissionSetStatus", both),
            ("$XDSFolderStatus", both),
            ("$XDSDocumentEntryType", f"('{requests.STABLE}','{ON_DEMAND}')"),
            ("$MetadataLevel", "2"),
        )
        return accepted(answer)

    def held(self) -> str:
        """The names of all objects."""
        return " ".join(self.names.of(self.all()))

    def status(self, *names: str) -> list[str]:
        """Approved or Deprecated, of each of these."""
        found = self.names.elements(self.all())
        return [_STATUSES[str(found[name].get("status"))] for name in names]


def _annotation(previous: str, propagate: str) -> str:
    return (slot("PreviousVersion", previous) if previous else "") + (
        slot("AssociationPropagation", propagate) if propagate else ""
    )


def accepted(answer: HttpAnswer) -> HttpAnswer:
    """The answer, which must be a success without a word."""
    assert (answer.status_urn, answer.errors) == (SUCCESS, [])
    return answer
