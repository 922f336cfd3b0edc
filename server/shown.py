"""What an explained decision shows of a record: the broker decides, the registry knows the documents."""

from consent_broker.decide import Verdict
from consent_broker.texts import Language, Why, told
from database import Database
from exchange.verbs import READING, Verb
from exchange.visibility import NOTHING
from registry.shown import Shown, documents_shown
from registry.store import RegistryStore


async def shown_by(verdict: Verdict, verb: Verb, patient_id: str, database: Database) -> Shown | None:
    """Which of today's documents he would see; None where he does not ask to see any."""
    if verb not in READING:
        return None
    visible = verdict.visible if verdict.permit else NOTHING
    return await documents_shown(patient_id, visible, RegistryStore(database))


def shown_in_words(shown: Shown, language: Language) -> str:
    """How many, before they are listed."""
    if not shown.count:
        return told(Why.SEES_NOTHING, language)
    why = Why.SEES_ALL if shown.count == shown.of else Why.SEES
    return told(why, language, count=shown.count, all=shown.of)
