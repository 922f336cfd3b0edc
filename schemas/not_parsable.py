"""The one exception of the parser."""


class NotParsable(Exception):
    """The bytes are no XML that we read (XML 1.0; SOAP 1.2 part 1 section 5 for the document type)."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
