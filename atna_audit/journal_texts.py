"""The patient's journal in words: one table of texts, each in every language of the country."""

from enum import StrEnum
from typing import NamedTuple

from atna_audit.accesses import Deed
from exchange.basis import Basis


class Language(StrEnum):
    """ISO 639-1."""

    FRENCH = "fr"
    GERMAN = "de"
    ENGLISH = "en"
    LUXEMBOURGISH = "lb"


class Text(NamedTuple):
    """One text in every language."""

    fr: str
    de: str
    en: str
    lb: str

    def in_(self, language: Language) -> str:
        """The text in this language."""
        text: str = getattr(self, language)
        return text


TITLE = Text("Journal des accès", "Zugriffsprotokoll", "Access journal", "Journal vun den Zougrëff")
PATIENT = Text("Patient", "Patient", "Patient", "Patient")
PRINTED = Text("Établi le", "Erstellt am", "Made on", "Erstallt den")
PAGE = Text("Page", "Seite", "Page", "Säit")
NOTHING = Text(
    "Aucun accès ne correspond à cette demande.",
    "Kein Zugriff entspricht dieser Anfrage.",
    "No access matches what was asked for.",
    "Keen Zougrëff passt op dës Ufro.",
)
MORE = Text(
    "Seuls les accès les plus récents sont montrés.",
    "Nur die neuesten Zugriffe sind gezeigt.",
    "Only the latest accesses are shown.",
    "Nëmmen déi lescht Zougrëff gi gewisen.",
)

AT = Text("Date et heure", "Datum und Uhrzeit", "Date and time", "Datum an Auerzäit")
WHO = Text("Qui", "Wer", "Who", "Wien")
PROFESSION = Text("Profession", "Beruf", "Profession", "Beruff")
ESTABLISHMENT = Text("Établissement", "Einrichtung", "Establishment", "Etablissement")
ON_BEHALF_OF = Text("Pour le compte de", "Im Auftrag von", "On behalf of", "Am Optrag vun")
WHAT = Text("Action", "Vorgang", "What was done", "Wat gemaach gouf")
DOCUMENTS = Text("Documents", "Dokumente", "Documents", "Dokumenter")
PURPOSE = Text("But", "Zweck", "Purpose", "Zweck")
RELATIONSHIP = Text("À quel titre", "Mit welchem Recht", "By what right", "Mat wéi engem Recht")
SOFTWARE = Text("Logiciel", "Software", "Software", "Software")
COLUMNS = (
    AT,
    WHO,
    PROFESSION,
    ESTABLISHMENT,
    ON_BEHALF_OF,
    WHAT,
    DOCUMENTS,
    PURPOSE,
    RELATIONSHIP,
    SOFTWARE,
)

A_MACHINE = Text("le système {name}", "das System {name}", "the system {name}", "de System {name}")
NO_TITLE = Text(
    "document sans titre ({id})",
    "Dokument ohne Titel ({id})",
    "untitled document ({id})",
    "Dokument ouni Titel ({id})",
)
FAILED = Text(
    "{deed} (refusé ou échoué)",
    "{deed} (verweigert oder gescheitert)",
    "{deed} (refused or failed)",
    "{deed} (refuséiert oder net gelongen)",
)
IN_EMERGENCY = Text("URGENCE : {deed}", "NOTFALL: {deed}", "EMERGENCY: {deed}", "NOUTFALL: {deed}")

DEEDS = {
    Deed.LIST_SEEN: Text(
        "Liste des documents consultée",
        "Dokumentenliste eingesehen",
        "List of documents seen",
        "Lëscht vun den Dokumenter gekuckt",
    ),
    Deed.DOCUMENT_OPENED: Text(
        "Document ouvert", "Dokument geöffnet", "Document opened", "Dokument opgemaach"
    ),
    Deed.DEPOSITED: Text(
        "Document déposé", "Dokument eingestellt", "Document deposited", "Dokument ofgeluecht"
    ),
    Deed.REPLACED: Text("Document remplacé", "Dokument ersetzt", "Document replaced", "Dokument ersat"),
    Deed.CHANGED: Text(
        "Description d'un document modifiée",
        "Beschreibung eines Dokuments geändert",
        "Description of a document changed",
        "Beschreiwung vun engem Dokument geännert",
    ),
    Deed.DELETED: Text("Document supprimé", "Dokument gelöscht", "Document deleted", "Dokument geläscht"),
    Deed.RIGHTS_CHANGED: Text(
        "Droits d'accès modifiés",
        "Zugriffsrechte geändert",
        "Access rights changed",
        "Zougrëffsrechter geännert",
    ),
    Deed.RIGHTS_SEEN: Text(
        "Droits d'accès consultés",
        "Zugriffsrechte eingesehen",
        "Access rights seen",
        "Zougrëffsrechter gekuckt",
    ),
    Deed.JOURNAL_READ: Text("Journal lu", "Protokoll gelesen", "Journal read", "Journal gelies"),
    Deed.IDENTITY_CHANGED: Text(
        "Données d'identité transmises",
        "Identitätsdaten übermittelt",
        "Identity data sent",
        "Identitéitsdate geschéckt",
    ),
    Deed.EMERGENCY: Text("Accès d'urgence", "Notfallzugriff", "Emergency access", "Noutfallzougrëff"),
    Deed.OTHER: Text("Autre accès", "Anderer Zugriff", "Other access", "Aneren Zougrëff"),
}

BASES = {
    Basis.EMERGENCY: Text("urgence", "Notfall", "emergency", "Noutfall"),
    Basis.PATIENT: Text(
        "le patient lui-même", "der Patient selbst", "the patient himself", "de Patient selwer"
    ),
    Basis.REPRESENTATIVE: Text(
        "représentant légal du patient",
        "gesetzlicher Vertreter des Patienten",
        "legal representative of the patient",
        "gesetzleche Vertrieder vum Patient",
    ),
    Basis.HELPER: Text(
        "personne de confiance du patient",
        "Vertrauensperson des Patienten",
        "helper of the patient",
        "Vertrauenspersoun vum Patient",
    ),
    Basis.CARE: Text("relation de soins", "Behandlungsbeziehung", "care relationship", "Behandlungsbezéiung"),
    Basis.ADMINISTRATOR: Text(
        "administrateur de la plateforme",
        "Verwalter der Plattform",
        "administrator of the platform",
        "Administrateur vun der Plattform",
    ),
    Basis.SYSTEM: Text(
        "système de la plateforme",
        "System der Plattform",
        "system of the platform",
        "System vun der Plattform",
    ),
}

# HL7 v3 ActReason (2.16.840.1.113883.5.8), in the codes that assertions carry.
PURPOSES = {
    "TREAT": Text("traitement", "Behandlung", "treatment", "Behandlung"),
    "ETREAT": Text("traitement d'urgence", "Notfallbehandlung", "emergency treatment", "Noutfallbehandlung"),
    "BTG": Text("bris de glace", "Notfallzugang", "break the glass", "Noutfallzougang"),
    "CAREMGT": Text(
        "coordination des soins", "Koordination der Pflege", "care management", "Koordinatioun vun der Fleeg"
    ),
    "COC": Text(
        "coordination des soins",
        "Koordination der Pflege",
        "coordination of care",
        "Koordinatioun vun der Fleeg",
    ),
    "CLINTRCH": Text("recherche clinique", "klinische Forschung", "clinical research", "klinesch Recherche"),
    "HPAYMT": Text("paiement", "Abrechnung", "payment", "Ofrechnung"),
    "HOPERAT": Text("administration", "Verwaltung", "operations", "Verwaltung"),
    "PATRQT": Text(
        "demande du patient", "Wunsch des Patienten", "request of the patient", "Ufro vum Patient"
    ),
    "PUBHLTH": Text("santé publique", "öffentliche Gesundheit", "public health", "ëffentlech Gesondheet"),
}

# ISCO-08, the professions of our rule pack; a role that is not here is told in its sender's words.
PROFESSIONS = {
    "221": Text("médecin", "Arzt", "doctor", "Dokter"),
    "2211": Text("médecin généraliste", "Hausarzt", "general practitioner", "Hausdokter"),
    "2212": Text("médecin spécialiste", "Facharzt", "specialist doctor", "Spezialist"),
    "2221": Text("infirmier", "Krankenpfleger", "nurse", "Infirmier"),
    "3221": Text("infirmier", "Krankenpfleger", "nurse", "Infirmier"),
    "2222": Text("sage-femme", "Hebamme", "midwife", "Hiewan"),
    "3222": Text("sage-femme", "Hebamme", "midwife", "Hiewan"),
    "2261": Text("dentiste", "Zahnarzt", "dentist", "Zänndokter"),
    "2262": Text("pharmacien", "Apotheker", "pharmacist", "Apdikter"),
    "2264": Text("kinésithérapeute", "Physiotherapeut", "physiotherapist", "Kinésithérapeut"),
    "3255": Text("kinésithérapeute", "Physiotherapeut", "physiotherapist", "Kinésithérapeut"),
    "3212": Text("laborantin", "Laborant", "laboratory staff", "Laborant"),
    "1342": Text("administrateur", "Verwalter", "administrator", "Administrateur"),
    "PAT": Text("patient", "Patient", "patient", "Patient"),
}
