"""A record and its twin that never held what one subject may not see: one history, sent to two registries.

What is hidden is told here in plain Python, by the metadata and the last directives. What a message says of a
hidden object is left out of the twin's history, and what a registry adds to a replacement is said outright.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random

from tests.messages import requests
from tests.messages.requests import HAS_MEMBER, association, fresh_oid, fresh_uuid

RPLC, APND, XFRM, XFRM_RPLC = (
    f"urn:ihe:iti:2007:AssociationType:{name}" for name in ("RPLC", "APND", "XFRM", "XFRM_RPLC")
)
SIGNS = "urn:ihe:iti:2007:AssociationType:signs"
RELATIONS = (RPLC, RPLC, APND, XFRM, XFRM_RPLC, SIGNS)
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


@dataclass(frozen=True)
class Document:
    """A DocumentEntry and its bytes."""

    patient_id: str
    level: str
    type_code: str
    on_demand: bool = False
    uuid: str = field(default_factory=fresh_uuid)
    unique_id: str = field(default_factory=fresh_oid)

    @property
    def content(self) -> bytes:
        return f"About {self.unique_id}".encode()

    @property
    def xml(self) -> str:
        extra = {"creationTime": "", "legalAuthenticator": ""} if self.on_demand else {}
        text = requests.document_entry(
            self.patient_id,
            self.unique_id,
            self.uuid,
            slots=requests.slot("repositoryUniqueId", requests.REPOSITORY) if self.on_demand else "",
            object_type=requests.ON_DEMAND if self.on_demand else requests.STABLE,
            **extra,
        )
        return text.replace('"NOTE"', f'"{self.type_code}"').replace('"N"', f'"{self.level}"')


@dataclass(frozen=True)
class Folder:
    patient_id: str
    uuid: str = field(default_factory=fresh_uuid)
    unique_id: str = field(default_factory=fresh_oid)

    @property
    def xml(self) -> str:
        return requests.folder(self.patient_id, self.unique_id, self.uuid)


@dataclass(frozen=True)
class Link:
    source: str
    target: str
    type: str = HAS_MEMBER
    status: str = ""
    implied: bool = False
    """Whether a registry that holds the target's predecessor adds it by itself."""
    uuid: str = field(default_factory=fresh_uuid)

    @property
    def xml(self) -> str:
        return association(self.source, self.target, self.type, self.status, id=self.uuid)


@dataclass(frozen=True)
class Deposit:
    """One submission, by its author."""

    author: str
    patient_id: str
    documents: tuple[Document, ...]
    folders: tuple[Folder, ...]
    links: tuple[Link, ...]
    uuid: str
    unique_id: str = field(default_factory=fresh_oid)

    @property
    def on_demand(self) -> bool:
        return any(one.on_demand for one in self.documents)

    @property
    def submit(self) -> str:
        package = requests.submission_set(self.patient_id, self.unique_id, self.uuid)
        parts = [[one.xml for one in self.documents], [one.xml for one in self.folders]]
        return requests.submit(package, *parts[0], *parts[1], *(one.xml for one in self.links))

    def without(self, hidden: set[str]) -> "Deposit":
        """What a registry was sent that never held the hidden ones, nor adds what it was not told to."""
        links = [one for one in self.links if not {one.uuid, one.source, one.target} & hidden]
        return replace(
            self,
            documents=tuple(one for one in self.documents if one.uuid not in hidden),
            folders=tuple(one for one in self.folders if one.uuid not in hidden),
            links=tuple(links),
        )


class History:
    """Deposits that are all accepted, drawn from small numbers."""

    def __init__(self, patient_id: str, random: Random) -> None:
        self.patient_id = patient_id
        self.deposits: list[Deposit] = []
        self.documents: list[Document] = []
        self.folders: list[Folder] = []
        self._random = random
        self._approved: list[Document] = []
        self._derived: set[str] = set()
        self._in: dict[str, list[Folder]] = {}
        self._joined: dict[str, list[Document]] = {}

    @property
    def packages(self) -> list[str]:
        """The entryUUIDs of SubmissionSets and Folders."""
        return [one.uuid for one in self.deposits] + [one.uuid for one in self.folders]

    def add(self, authors: tuple[str, ...]) -> None:
        """One more deposit, of whatever the dice say."""
        dice = self._random
        package = fresh_uuid()
        on_demand = dice.random() < 0.15
        new = tuple(
            Document(self.patient_id, dice.choice("NNRVX"), dice.choice(("NOTE", "LAB")), on_demand)
            for _ in range(dice.choice((1, 1, 2)))
        )
        links = [Link(package, one.uuid, status="Original") for one in new]
        folders: tuple[Folder, ...] = ()
        where = dice.random()
        if where < 0.3:
            folders = (Folder(self.patient_id),)
            links.append(Link(package, folders[0].uuid))
            links += self._put(new, folders[0], package)
        elif where < 0.6 and self.folders:
            links += self._put(new, dice.choice(self.folders), package)
        if not on_demand and self._approved and dice.random() < 0.6:
            links += self._relate(new[0], dice.choice(self._approved), dice.choice(RELATIONS), package)
        self._approved += [one for one in new if not on_demand]
        self.documents += new
        self.folders += folders
        # What only the patient sees, only he can refer to.
        unknown = any(one.level in "VX" for one in self.documents)
        author = "patient" if unknown else dice.choice(authors)
        self.deposits.append(Deposit(author, self.patient_id, new, folders, tuple(links), package))

    def _put(self, new: tuple[Document, ...], into: Folder, package: str) -> Iterator[Link]:
        for one in new:
            member = Link(into.uuid, one.uuid)
            self._in.setdefault(one.uuid, []).append(into)
            yield member
            yield Link(package, member.uuid)

    def _relate(self, new: Document, target: Document, relation: str, package: str) -> Iterator[Link]:
        # A chain of what is derived would be broken by a hidden link in its middle: see docs/divergences.md.
        if target.uuid in self._derived and relation in (APND, XFRM):
            return
        yield Link(new.uuid, target.uuid, relation)
        if relation in (APND, XFRM, XFRM_RPLC):
            self._derived.add(new.uuid)
        if relation in (RPLC, XFRM_RPLC):
            for into in self._in.get(target.uuid, []):
                if into not in self._in.get(new.uuid, []):
                    self._in.setdefault(new.uuid, []).append(into)
                    member = Link(into.uuid, new.uuid, implied=True)
                    yield member
                    yield Link(package, member.uuid, implied=True)
            self._withdraw(target)
        elif relation != SIGNS:
            self._joined.setdefault(target.uuid, []).append(new)

    def _withdraw(self, document: Document) -> None:
        if document in self._approved:
            self._approved.remove(document)
        for one in self._joined.get(document.uuid, []):
            self._withdraw(one)

    def whole(self) -> Iterator[Deposit]:
        """As it is sent to the registry that holds everything."""
        for one in self.deposits:
            yield replace(one, links=tuple(link for link in one.links if not link.implied))

    def twin(self, is_hidden: Callable[[Document], bool]) -> Iterator[Deposit]:
        """As it is sent to the registry that never holds what is hidden."""
        hidden = self.hidden(is_hidden)
        for one in self.deposits:
            if one.uuid in hidden:
                continue
            left = one.without(hidden)
            replaces = [link.target for link in left.links if link.type in (RPLC, XFRM_RPLC)]
            # What replaces something here, too, inherits its Folders without being told.
            implied = not replaces
            yield replace(left, links=tuple(link for link in left.links if implied or not link.implied))

    def hidden(self, is_hidden: Callable[[Document], bool]) -> set[str]:
        """The hidden objects: what is joined to a hidden end, and what holds hidden ones and no other."""
        links = [link for one in self.deposits for link in one.links]
        hidden = {one.uuid for one in self.documents if is_hidden(one)}
        hidden |= self._emptied([one.uuid for one in self.folders], links, hidden)
        hidden |= {link.uuid for link in links if {link.source, link.target} & hidden}
        hidden |= self._emptied([one.uuid for one in self.deposits], links, hidden)
        return hidden | {link.uuid for link in links if {link.source, link.target} & hidden}

    def _emptied(self, packages: list[str], links: list[Link], hidden: set[str]) -> set[str]:
        inside = {
            package: {link.target for link in links if link.source == package and link.type == HAS_MEMBER}
            for package in packages
        }
        return {package for package, members in inside.items() if members and members <= hidden}
