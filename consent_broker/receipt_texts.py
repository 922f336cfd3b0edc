"""What a receipt tells the patient, in the four languages of the country: one row for each kind of change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from consent_broker.decide import LEVELS
from consent_broker.model import Party, PartyKind, RecordStatus, Right
from consent_broker.receipts import Changed, Receipt
from consent_broker.store import Kind, directive_in
from consent_broker.texts import Language, Said, told
from consent_broker.times import moment


def title(language: Language) -> str:
    """What the document is called."""
    return str(getattr(_TITLE, language))


@dataclass(frozen=True, slots=True)
class Telling:
    """How a receipt is told: in this language and time zone, with the names that people know."""

    language: Language
    zone: tzinfo
    names: Mapping[Party, str]

    def sentences(self, receipt: Receipt) -> tuple[str, ...]:
        """What changed, and then who did it, and when."""
        changed = tuple(self._changed(receipt.changed))
        at = receipt.at.astimezone(self.zone)
        day, clock = f"{at:%d.%m.%Y}", f"{at:%H:%M}"
        return (*changed, _in(_DONE, self.language, day=day, clock=clock, by=receipt.by))

    def _changed(self, changed: Changed) -> Iterator[str]:
        if status := changed.get("status"):
            opens = changed.get("opens")
            yield _in(_STATUSES[RecordStatus(status)], self.language, until=self._day(opens))
        for columns in changed.get("given", ()):
            yield self._sentence(columns)
        for columns in changed.get("ended", ()):
            yield _in(_NO_LONGER, self.language, sentence=self._sentence(columns))

    def _sentence(self, columns: Sequence[Any]) -> str:
        directive, language = directive_in(columns), self.language
        ends = columns[_ENDS]
        words = {
            "who": self._who(directive.party) if directive.party else "",
            "document": directive.document,
            "rights": _in(_RIGHTS[directive.rights], language) if directive.rights else "",
            "manages": _in(_MANAGES, language) if directive.manages else "",
            "level": told(LEVELS[directive.level], language) if directive.level else "",
            "until": "" if ends is None else _in(_UNTIL, language, day=self._day(ends)),
            "since": self._day(columns[_STARTS]),
        }
        said = _DIRECTIVES[directive.kind]
        if directive.kind is Kind.EMERGENCY and directive.level is None:
            said = _NO_EMERGENCY
        return _in(said, language, **words)

    def _who(self, party: Party) -> str:
        name = self.names.get(party, "")
        return _in(_PARTIES[party.kind], self.language, id=f"{name} ({party.id})" if name else party.id)

    def _day(self, seconds: int | None) -> str:
        return "" if seconds is None else f"{moment(seconds).astimezone(self.zone):%d.%m.%Y}"


_STARTS, _ENDS = 7, 8


def _in(said: Said, language: Language, **words: str) -> str:
    text: str = getattr(said, language)
    return text.format(**words)


_TITLE = Said(
    "Accusé de votre décision", "Beleg über Ihre Entscheidung",
    "Receipt of your decision", "Beleeg vun Ärer Decisioun",
)  # fmt: skip
_DONE = Said(
    "Décidé le {day} à {clock}, par : {by}.",
    "Entschieden am {day} um {clock}, durch: {by}.",
    "Decided on {day} at {clock}, by: {by}.",
    "Decidéiert den {day} um {clock}, duerch: {by}.",
)
_NO_LONGER = Said(
    "Ceci ne vaut plus : {sentence}", "Dies gilt nicht mehr: {sentence}",
    "This holds no longer: {sentence}", "Dat gëllt net méi: {sentence}",
)  # fmt: skip
_UNTIL = Said(", jusqu'au {day}", ", bis zum {day}", ", until {day}", ", bis den {day}")
_MANAGES = Said(" et peut décider à votre place", " und darf für Sie entscheiden", " and may decide for you",
                " an däerf fir Iech decidéieren")  # fmt: skip
_PARTIES = {
    PartyKind.PERSON: Said(
        "La personne {id}", "Die Person {id}", "The person {id}", "D'Persoun {id}",
    ),
    PartyKind.ORGANIZATION: Said(
        "L'établissement {id}", "Die Einrichtung {id}", "The institution {id}", "D'Etablissement {id}",
    ),
}  # fmt: skip
_RIGHTS = {
    frozenset({Right.READ}): Said("consulter", "einsehen", "read", "kucken"),
    frozenset({Right.DEPOSIT}): Said("alimenter", "ergänzen", "add to", "ergänzen"),
    frozenset(Right): Said(
        "consulter et alimenter", "einsehen und ergänzen", "read and add to", "kucken an ergänzen"
    ),
}
_STATUSES = {
    RecordStatus.NOT_OPENED: Said(
        "Votre dossier n'est pas ouvert.", "Ihre Akte ist nicht eröffnet.",
        "Your record is not opened.", "Ären Dossier ass net opgemaach.",
    ),
    RecordStatus.OBJECTION_WINDOW: Said(
        "Votre dossier s'ouvrira le {until}, sauf si vous vous y opposez.",
        "Ihre Akte wird am {until} eröffnet, wenn Sie nicht widersprechen.",
        "Your record will open on {until} unless you object.",
        "Ären Dossier gëtt den {until} opgemaach, wann Dir net dogéint sidd.",
    ),
    RecordStatus.OPEN: Said(
        "Votre dossier est ouvert.", "Ihre Akte ist eröffnet.",
        "Your record is open.", "Ären Dossier ass op.",
    ),
    RecordStatus.CLOSED: Said(
        "Votre dossier est fermé.", "Ihre Akte ist geschlossen.",
        "Your record is closed.", "Ären Dossier ass zou.",
    ),
}  # fmt: skip
_NO_EMERGENCY = Said(
    "Même en cas d'urgence, personne n'accède à votre dossier sans votre accord.",
    "Auch im Notfall greift niemand ohne Ihre Zustimmung auf Ihre Akte zu.",
    "Even in an emergency nobody gets into your record without your consent.",
    "Och am Noutfall kënnt keen ouni Är Zoustëmmung un Ären Dossier.",
)
_DIRECTIVES = {
    Kind.GRANT: Said(
        "{who} peut {rights} votre dossier, jusqu'au niveau {level}{until}.",
        "{who} darf Ihre Akte {rights}, bis zur Stufe {level}{until}.",
        "{who} may {rights} your record, up to the level {level}{until}.",
        "{who} däerf Ären Dossier {rights}, bis zum Niveau {level}{until}.",
    ),
    Kind.EXCLUSION: Said(
        "{who} ne peut ni consulter ni alimenter votre dossier.",
        "{who} darf Ihre Akte weder einsehen noch ergänzen.",
        "{who} may neither read your record nor add to it.",
        "{who} däerf Ären Dossier weder kucken nach ergänzen.",
    ),
    Kind.HELPER: Said(
        "{who} vous aide à consulter votre dossier{manages}{until}.",
        "{who} hilft Ihnen, Ihre Akte einzusehen{manages}{until}.",
        "{who} helps you to read your record{manages}{until}.",
        "{who} hëlleft Iech, Ären Dossier ze kucken{manages}{until}.",
    ),
    Kind.REPRESENTATIVE: Said(
        "{who} vous représente légalement{manages}{until}.",
        "{who} vertritt Sie von Gesetzes wegen{manages}{until}.",
        "{who} represents you by law{manages}{until}.",
        "{who} vertrëtt Iech no Gesetz{manages}{until}.",
    ),
    Kind.HIDDEN: Said(
        "Le document {document} est masqué : vous seul le voyez.",
        "Das Dokument {document} ist verborgen: nur Sie sehen es.",
        "The document {document} is hidden: you alone see it.",
        "D'Dokument {document} ass verstoppt: nëmmen Dir gesitt et.",
    ),
    Kind.RESERVED: Said(
        "{who} peut voir le document {document}, qui est réservé.",
        "{who} darf das Dokument {document} sehen, das vorbehalten ist.",
        "{who} may see the document {document}, which is reserved.",
        "{who} däerf d'Dokument {document} gesinn, dat reservéiert ass.",
    ),
    Kind.LEVEL: Said(
        "Le document {document} est de niveau {level}.",
        "Das Dokument {document} ist von der Stufe {level}.",
        "The document {document} is of the level {level}.",
        "D'Dokument {document} ass vum Niveau {level}.",
    ),
    Kind.MINIMUM: Said(
        "Les nouveaux documents sont au moins de niveau {level}.",
        "Neue Dokumente sind mindestens von der Stufe {level}.",
        "New documents are at least of the level {level}.",
        "Nei Dokumenter si mindestens vum Niveau {level}.",
    ),
    Kind.EMERGENCY: Said(
        "En cas d'urgence, votre dossier s'ouvre jusqu'au niveau {level}.",
        "Im Notfall ist Ihre Akte bis zur Stufe {level} offen.",
        "In an emergency your record is open up to the level {level}.",
        "Am Noutfall ass Ären Dossier bis zum Niveau {level} op.",
    ),
    Kind.BORN: Said(
        "Date de naissance enregistrée : {since}.", "Eingetragenes Geburtsdatum: {since}.",
        "Birth date on record: {since}.", "Agedroene Gebuertsdatum: {since}.",
    ),
    Kind.PILOT: Said(
        "Vous participez à la phase pilote.", "Sie nehmen an der Pilotphase teil.",
        "You take part in the trial.", "Dir maacht un der Pilotphas mat.",
    ),
    Kind.ACKNOWLEDGEMENT: Said(
        "Vous avez accepté une politique de confidentialité.",
        "Sie haben einer Datenschutzregel zugestimmt.",
        "You have acknowledged a privacy policy.",
        "Dir hutt enger Dateschutzregel zougestëmmt.",
    ),
}  # fmt: skip
