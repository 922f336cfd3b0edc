"""What somebody would see of a record, on a day, in an emergency, and why: for the patient, never for him."""

from dataclasses import replace
from datetime import datetime

from consent_broker.decide import Verdict, decide
from consent_broker.directory import Directory
from consent_broker.matrix import Matrices
from consent_broker.model import Asker
from consent_broker.rules import Rules
from consent_broker.store import directives_of
from database import Database
from exchange.verbs import Verb


async def explained(
    patient: str,
    asker: Asker,
    verb: Verb,
    at: datetime,
    now: datetime,
    rules: Rules,
    database: Database,
    *,
    emergency: bool = False,
) -> Verdict:
    """Decide as if he asked at that moment: by what the patient had decided then, or has by now.

    Whose profession is not said is what the directory says of him.
    """
    if asker.profession == ("", "") and (licences := await Directory(database).licences(asker.person, at)):
        asker = replace(asker, profession=licences[0].profession, specialty=licences[0].specialty)
    if emergency:
        asker = replace(asker, purpose=min(rules.emergencies))
    rules = await Matrices(database, rules).rules_on(at.date())
    asker = await Directory(database).checked(asker, rules, at)
    then = at if at < now else None
    directives = await directives_of((patient,), rules.unopened, database, at, then)
    return decide(asker, verb, patient, directives[patient], rules, at)
