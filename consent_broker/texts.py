"""What is said to people about decisions, in the four languages of the country: one row for each text."""

from enum import StrEnum
from typing import NamedTuple


class Language(StrEnum):
    """A language by its code (ISO 639-1)."""

    FRENCH = "fr"
    GERMAN = "de"
    ENGLISH = "en"
    LUXEMBOURGISH = "lb"


class Said(NamedTuple):
    """One text in each language, with the same {names} in all of them."""

    fr: str
    de: str
    en: str
    lb: str


class Why(StrEnum):
    """Every reason that a decision can have, and the words that its text may name."""

    NOT_OPENED = "record-not-opened"
    OBJECTION_WINDOW = "record-objection-window"
    OPEN = "record-open"
    CLOSED = "record-closed"
    NOBODY = "nobody"
    SYSTEM = "system"
    SYSTEM_ASKS_ONLY = "system-asks-only"
    PATIENT = "patient"
    TOO_YOUNG_TO_READ = "too-young-to-read"
    TOO_YOUNG_TO_DECIDE = "too-young-to-decide"
    HELPER = "helper"
    HELPER_NOT_NOW = "helper-not-now"
    HELPER_READS_ONLY = "helper-reads-only"
    REPRESENTATIVE = "representative"
    REPRESENTATIVE_NOT_NOW = "representative-not-now"
    REPRESENTATIVE_READS_ONLY = "representative-reads-only"
    AGE_UNKNOWN = "age-unknown"
    OF_AGE = "of-age"
    DECIDES_HIMSELF = "decides-himself"
    NOT_LISTED = "not-listed"
    OTHER_PROFESSION = "other-profession"
    NOT_A_MEMBER = "not-a-member"
    EXCLUDED = "excluded"
    EXCLUSION_LIFTED = "exclusion-lifted"
    ADMINISTRATOR = "administrator"
    ONLY_THE_PATIENT = "only-the-patient"
    RELATIONSHIP = "relationship"
    NO_READING_RELATIONSHIP = "no-reading-relationship"
    NO_DEPOSITING_RELATIONSHIP = "no-depositing-relationship"
    EMERGENCY = "emergency"
    EMERGENCY_SWITCHED_OFF = "emergency-switched-off"
    EMERGENCY_NOT_FOR_PROFESSION = "emergency-not-for-profession"
    EMERGENCY_WITHOUT_REASON = "emergency-without-reason"
    MATRIX_READS = "matrix-reads"
    MATRIX_DEPOSITS = "matrix-deposits"
    MATRIX_LIFTED = "matrix-lifted"
    MINIMUM = "minimum"
    KEPT_BACK = "kept-back"
    AUTHOR = "author"
    NORMAL = "normal"
    RESTRICTED = "restricted"
    SECRET = "secret"  # noqa: S105  # a level of confidentiality
    ACKNOWLEDGES = "acknowledges"
    PERMITTED = "permitted"
    REFUSED = "refused"
    SEES = "sees"
    SEES_ALL = "sees-all"
    SEES_NOTHING = "sees-nothing"


TEXTS: dict[Why, Said] = {
    Why.NOT_OPENED: Said(
        "le dossier n'a pas été ouvert",
        "die Akte wurde nicht eröffnet",
        "the record was not opened",
        "den Dossier gouf net opgemaach",
    ),
    Why.OBJECTION_WINDOW: Said(
        "le dossier est annoncé, et le délai d'opposition court encore",
        "die Akte ist angekündigt, und die Widerspruchsfrist läuft noch",
        "the record is announced, and the patient may still object",
        "den Dossier ass ugekënnegt, an d'Frist fir dogéint ze sinn leeft nach",
    ),
    Why.OPEN: Said("le dossier est ouvert", "die Akte ist offen", "the record is open", "den Dossier ass op"),
    Why.CLOSED: Said(
        "le dossier est fermé", "die Akte ist geschlossen", "the record is closed", "den Dossier ass zou"
    ),
    Why.NOBODY: Said(
        "personne n'a prouvé son identité",
        "niemand hat nachgewiesen, wer er ist",
        "nobody has proven who he is",
        "kee huet bewisen, wien hien ass",
    ),
    Why.SYSTEM: Said(
        "un système de la plateforme",
        "ein System der Plattform",
        "a system of the platform",
        "e System vun der Plattform",
    ),
    Why.SYSTEM_ASKS_ONLY: Said(
        "un système de la plateforme, qui demande seulement ce qui est enregistré",
        "ein System der Plattform, das nur fragt, was verzeichnet ist",
        "a system of the platform, which only asks what is there",
        "e System vun der Plattform, dat nëmme freet, wat do ass",
    ),
    Why.PATIENT: Said(
        "le patient lui-même", "der Patient selbst", "the patient himself", "de Patient selwer"
    ),
    Why.TOO_YOUNG_TO_READ: Said(
        "le patient lui-même, qui ne lit son dossier qu'à partir de {age} ans",
        "der Patient selbst, der seine Akte erst ab {age} Jahren liest",
        "the patient himself, who reads his record from the age of {age} on",
        "de Patient selwer, deen säin Dossier eréischt vu {age} Joer un liest",
    ),
    Why.TOO_YOUNG_TO_DECIDE: Said(
        "le patient lui-même, qui ne décide qu'à partir de {age} ans",
        "der Patient selbst, der erst ab {age} Jahren entscheidet",
        "the patient himself, who decides from the age of {age} on",
        "de Patient selwer, deen eréischt vu {age} Joer un decidéiert",
    ),
    Why.HELPER: Said(
        "une personne qui aide le patient",
        "eine Person, die dem Patienten hilft",
        "a helper of the patient's",
        "eng Persoun, déi dem Patient hëlleft",
    ),
    Why.HELPER_NOT_NOW: Said(
        "une personne qui aide le patient, mais pas en ce moment",
        "eine Person, die dem Patienten hilft, aber nicht zu dieser Zeit",
        "a helper, but not at this time",
        "eng Persoun, déi dem Patient hëlleft, mee net zu dëser Zäit",
    ),
    Why.HELPER_READS_ONLY: Said(
        "une personne qui aide le patient, mais ne peut que lire",
        "eine Person, die dem Patienten hilft, aber nur lesen darf",
        "a helper who may read only",
        "eng Persoun, déi dem Patient hëlleft, mee nëmme liese däerf",
    ),
    Why.REPRESENTATIVE: Said(
        "un représentant légal du patient",
        "ein gesetzlicher Vertreter des Patienten",
        "a legal representative of the patient's",
        "e gesetzleche Vertrieder vum Patient",
    ),
    Why.REPRESENTATIVE_NOT_NOW: Said(
        "un représentant légal, mais pas en ce moment",
        "ein gesetzlicher Vertreter, aber nicht zu dieser Zeit",
        "a legal representative, but not at this time",
        "e gesetzleche Vertrieder, mee net zu dëser Zäit",
    ),
    Why.REPRESENTATIVE_READS_ONLY: Said(
        "un représentant légal qui ne peut que lire",
        "ein gesetzlicher Vertreter, der nur lesen darf",
        "a legal representative who may read only",
        "e gesetzleche Vertrieder, deen nëmme liese däerf",
    ),
    Why.AGE_UNKNOWN: Said(
        "représentant légal d'un mineur dont l'âge n'est pas connu",
        "gesetzlicher Vertreter eines Minderjährigen, dessen Alter nicht bekannt ist",
        "the legal representative of a minor whose age is not known",
        "gesetzleche Vertrieder vun engem Mannerjäregen, vun deem den Alter net bekannt ass",
    ),
    Why.OF_AGE: Said(
        "il représentait un mineur, qui est majeur depuis l'âge de {age} ans",
        "er vertrat einen Minderjährigen, der mit {age} Jahren volljährig geworden ist",
        "he represented a minor, who is of age since he was {age}",
        "hien huet e Mannerjärege vertrueden, dee mat {age} Joer volljäreg ginn ass",
    ),
    Why.DECIDES_HIMSELF: Said(
        "un représentant légal qui ne peut que lire, car le mineur décide lui-même à partir de {age} ans",
        "ein gesetzlicher Vertreter, der nur lesen darf, denn ab {age} Jahren entscheidet der Minderjährige",
        "a legal representative who may read only, for the minor decides himself from the age of {age} on",
        "e gesetzleche Vertrieder, deen nëmme liest, well vu {age} Joer un de Mannerjäregen decidéiert",
    ),
    Why.NOT_LISTED: Said(
        "il ne figure pas dans l'annuaire des professionnels agréés",
        "er steht nicht im Verzeichnis der zugelassenen Fachkräfte",
        "he is not in the directory of licensed professionals",
        "hie steet net am Register vun den zougeloossene Professioneller",
    ),
    Why.OTHER_PROFESSION: Said(
        "l'annuaire ne lui connaît pas, en ce moment, la profession et la spécialité qu'il indique",
        "das Verzeichnis kennt ihn zu dieser Zeit nicht mit dem Beruf und Fachgebiet, die er angibt",
        "the directory does not know him, at this time, by the profession and specialty that he claims",
        "de Register kennt hien zu dëser Zäit net mat dem Beruff an der Spezialitéit, déi hien ugëtt",
    ),
    Why.NOT_A_MEMBER: Said(
        "il n'est pas, en ce moment, membre de l'établissement qu'il indique",
        "er gehört zu dieser Zeit nicht der Einrichtung an, die er angibt",
        "he is not, at this time, a member of the institution that he names",
        "hie gehéiert zu dëser Zäit net zu der Institutioun, déi hien ugëtt",
    ),
    Why.EXCLUDED: Said(
        "le patient s'oppose à son accès",
        "der Patient hat ihn ausgeschlossen",
        "the patient has excluded him",
        "de Patient huet hien ausgeschloss",
    ),
    Why.EXCLUSION_LIFTED: Said(
        "le patient s'oppose à son accès, ce que l'urgence lève",
        "der Patient hat ihn ausgeschlossen, was der Notfall aufhebt",
        "the patient has excluded him, which the emergency lifts",
        "de Patient huet hien ausgeschloss, wat den Noutfall ophieft",
    ),
    Why.ADMINISTRATOR: Said(
        "un administrateur du domaine",
        "ein Verwalter der Domäne",
        "an administrator of the domain",
        "en Administrateur vun der Domän",
    ),
    Why.ONLY_THE_PATIENT: Said(
        "seul le patient, ou qui agit pour lui, modifie ce qui est là",
        "nur der Patient, oder wer für ihn handelt, ändert, was da ist",
        "only the patient, and who acts for him, changes what is there",
        "nëmmen de Patient, oder wien fir hien handelt, ännert, wat do ass",
    ),
    Why.RELATIONSHIP: Said(
        "une relation thérapeutique, pour ce qui est {level}",
        "eine Behandlungsbeziehung, für alles, was {level} ist",
        "a care relationship, for what is {level}",
        "eng Behandlungsbezéiung, fir dat, wat {level} ass",
    ),
    Why.NO_READING_RELATIONSHIP: Said(
        "aucune relation thérapeutique qui lui permette de lire",
        "keine Behandlungsbeziehung, die ihn lesen lässt",
        "no care relationship that lets him read",
        "keng Behandlungsbezéiung, déi hie liese léisst",
    ),
    Why.NO_DEPOSITING_RELATIONSHIP: Said(
        "aucune relation thérapeutique qui lui permette de déposer",
        "keine Behandlungsbeziehung, die ihn einstellen lässt",
        "no care relationship that lets him deposit",
        "keng Behandlungsbezéiung, déi hien deposéiere léisst",
    ),
    Why.EMERGENCY: Said(
        "une urgence, qui ouvre ce qui est {level}",
        "ein Notfall, der öffnet, was {level} ist",
        "an emergency, which opens what is {level}",
        "en Noutfall, deen opmécht, wat {level} ass",
    ),
    Why.EMERGENCY_SWITCHED_OFF: Said(
        "une urgence, qui n'ouvre rien, comme le patient l'a voulu",
        "ein Notfall, der nichts öffnet, wie es der Patient wollte",
        "the patient has said that an emergency opens nothing",
        "en Noutfall, deen näischt opmécht, wéi de Patient et wollt",
    ),
    Why.EMERGENCY_NOT_FOR_PROFESSION: Said(
        "une urgence, qui n'ouvre rien à cette profession",
        "ein Notfall, der diesem Beruf nichts öffnet",
        "to this profession an emergency opens nothing",
        "en Noutfall, deen dësem Beruff näischt opmécht",
    ),
    Why.EMERGENCY_WITHOUT_REASON: Said(
        "une urgence sans motif",
        "ein Notfall ohne Begründung",
        "an emergency without its reason",
        "en Noutfall ouni Grond",
    ),
    Why.MATRIX_READS: Said(
        "la matrice d'accès ouvre {count} types de documents",
        "die Zugriffsmatrix öffnet {count} Arten von Dokumenten",
        "the access matrix opens {count} types of documents",
        "d'Zougrëffsmatrix mécht {count} Zorte vun Dokumenter op",
    ),
    Why.MATRIX_DEPOSITS: Said(
        "la matrice d'accès accepte de lui {count} types de documents",
        "die Zugriffsmatrix nimmt von ihm {count} Arten von Dokumenten an",
        "the access matrix takes {count} types of documents from him",
        "d'Zougrëffsmatrix hëlt vun him {count} Zorte vun Dokumenter un",
    ),
    Why.MATRIX_LIFTED: Said(
        "l'urgence ouvre tous les types de documents",
        "der Notfall öffnet alle Arten von Dokumenten",
        "the emergency opens all types of documents",
        "den Noutfall mécht all Zorte vun Dokumenter op",
    ),
    Why.MINIMUM: Said(
        "un nouveau document doit être au moins {level}",
        "ein neues Dokument muss mindestens {level} sein",
        "a new document must at least be {level}",
        "en neit Dokument muss op d'mannst {level} sinn",
    ),
    Why.KEPT_BACK: Said(
        "{count} documents lui sont masqués, ou réservés à d'autres",
        "{count} Dokumente sind vor ihm verborgen oder anderen vorbehalten",
        "{count} documents are hidden from him, or reserved for others",
        "{count} Dokumenter si virun him verstoppt oder fir anerer reservéiert",
    ),
    Why.AUTHOR: Said(
        "il voit aussi ce qu'il a déposé lui-même",
        "er sieht auch, was er selbst eingestellt hat",
        "he also sees what he deposited himself",
        "hie gesäit och, wat hie selwer deposéiert huet",
    ),
    Why.NORMAL: Said("normal", "normal", "normal", "normal"),
    Why.RESTRICTED: Said("restreint", "eingeschränkt", "restricted", "ageschränkt"),
    Why.SECRET: Said("secret", "geheim", "secret", "geheim"),
    Why.ACKNOWLEDGES: Said(
        "il peut déposer ce consentement au nom du patient",
        "er darf diese Einwilligung im Namen des Patienten einreichen",
        "he may submit this consent in the patient's name",
        "hien däerf dës Averständnis am Numm vum Patient areechen",
    ),
    Why.PERMITTED: Said("Permis.", "Erlaubt.", "Permitted.", "Erlaabt."),
    Why.REFUSED: Said("Pas permis.", "Nicht erlaubt.", "Not permitted.", "Net erlaabt."),
    Why.SEES: Said(
        "Il verrait {count} documents sur {all} :",
        "Er sähe {count} von {all} Dokumenten:",
        "He would see {count} of {all} documents:",
        "Hie géif {count} vun {all} Dokumenter gesinn:",
    ),
    Why.SEES_ALL: Said(
        "Il verrait les {all} documents.",
        "Er sähe alle {all} Dokumente.",
        "He would see all {all} documents.",
        "Hie géif all {all} Dokumenter gesinn.",
    ),
    Why.SEES_NOTHING: Said(
        "Il ne verrait aucun document.",
        "Er sähe kein Dokument.",
        "He would see no document.",
        "Hie géif keen Dokument gesinn.",
    ),
}


def told(why: Why, language: Language, **values: "int | Why") -> str:
    """A text in one language, with the numbers and words that it names."""
    words = {
        name: told(value, language) if isinstance(value, Why) else value for name, value in values.items()
    }
    text: str = getattr(TEXTS[why], language)
    return text.format(**words)
