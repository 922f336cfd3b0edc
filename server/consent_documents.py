"""Where consent documents take effect: the registry's transaction, the broker's directives, the record."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from audit_message.model import AuditMessage
from consent_broker.broker import ConsentBroker
from consent_broker.consent_documents import follow, may_follow, problems_in
from consent_broker.rules import Rules
from consent_broker.store import MAX_DIRECTIVES, TooManyDirectives
from database import Transaction
from ebxml.refused import Refused
from exchange.consent_documents import ConsentDocument, Signatory
from exchange.operator_audit import consent_touched
from exchange.pledge import Pledge
from exchange.serve import Surroundings
from ihe.error_codes import REGISTRY_ERROR, REGISTRY_OUT_OF_RESOURCES

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Owed:
    """What a change of directives is to be recorded as; the pledge of it was committed with the change."""

    messages: tuple[AuditMessage, ...]
    pledge: Pledge | None


# What the request under way owes; its transaction may run twice, and then what ran last counts.
_owed: ContextVar[_Owed | None] = ContextVar("owed", default=None)


@dataclass(frozen=True, slots=True)
class ConsentDocuments:
    """The consent documents of a domain with rules."""

    rules: Rules
    around: Surroundings

    @classmethod
    def of(cls, around: Surroundings) -> "ConsentDocuments | None":
        """Nothing where the domain declares none."""
        broker = around.consent
        return cls(broker.rules, around) if isinstance(broker, ConsentBroker) else None

    @property
    def takes(self) -> bool:
        """Whether the rules know policies; without any, consent documents are documents like others."""
        return bool(self.rules.policies)

    def problems_in(self, document: ConsentDocument, signed: bool) -> Iterator[tuple[str, str]]:
        """Yield what keeps a document from counting, as what an attribute is or does."""
        return problems_in(document, signed, self.rules)

    async def follow(
        self,
        ended: Collection[ConsentDocument],
        begun: Collection[ConsentDocument],
        signatory: Signatory,
        transaction: Transaction,
    ) -> None:
        """Change the directives, and pledge the record of that, in this transaction."""
        around, node, by = self.around, self.around.node, signatory.by
        if not may_follow(ended, begun, self.rules, signatory):
            raise Refused(REGISTRY_ERROR.error("a consent document is not given or taken back by its sender"))
        try:
            changes = await follow(ended, begun, self.rules, around.clock(), by, transaction)
        except TooManyDirectives:
            full = f"the record has as many directives as it can hold, {MAX_DIRECTIVES}"
            raise Refused(REGISTRY_OUT_OF_RESOURCES.error(full)) from None
        messages = tuple(
            consent_touched(
                one.change.at, one.patient, str(one.change), by, node.process_id, node.audit_source_id
            )
            for one in changes
        )
        pledge = around.pledges.made(*messages) if around.pledges and messages else None
        if pledge:
            await transaction.fetch_each(*pledge.calls)
        _owed.set(_Owed(messages, pledge) if messages else None)

    def recorded(self, handle: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        """The same, with a record of each directive that it changed before its answer leaves."""

        @wraps(handle)
        async def handled(*args: P.args, **kwargs: P.kwargs) -> R:
            token = _owed.set(None)
            try:
                result = await handle(*args, **kwargs)
                if owed := _owed.get():
                    await self.around.audit.record(*owed.messages)
                    self._over(owed, kept=True)
                return result
            except BaseException:
                # Whatever was committed has its pledge; what was not has none.
                self._over(_owed.get(), kept=False)
                raise
            finally:
                _owed.reset(token)

        return handled

    def _over(self, owed: _Owed | None, *, kept: bool) -> None:
        pledges = self.around.pledges
        if owed and owed.pledge and pledges:
            (pledges.kept if kept else pledges.broken)(owed.pledge)
