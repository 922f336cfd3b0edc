"""Python begins with this where its folder is in PYTHONPATH: a server then records no request."""

import exchange.audit_trail


def _nothing(_: object) -> tuple[()]:
    return ()


# Before `exchange.serve` takes it by name.
exchange.audit_trail.audit_messages_of = _nothing  # type: ignore[assignment]  # whatever happened
