"""The status codes with which plain HTTP requests are refused (RFC 9110: 15)."""

from enum import IntEnum


class Status(IntEnum):
    """Named as RFC 9110 names them."""

    BAD_REQUEST = 400
    UNAUTHORIZED = 401
    FORBIDDEN = 403
    NOT_FOUND = 404
    METHOD_NOT_ALLOWED = 405
    NOT_ACCEPTABLE = 406
    CONFLICT = 409
    PRECONDITION_FAILED = 412
    CONTENT_TOO_LARGE = 413
    UNSUPPORTED_MEDIA_TYPE = 415
    UNPROCESSABLE_CONTENT = 422
    PRECONDITION_REQUIRED = 428
    INTERNAL_SERVER_ERROR = 500
    SERVICE_UNAVAILABLE = 503
    INSUFFICIENT_STORAGE = 507

    @property
    def phrase(self) -> str:
        """The reason phrase."""
        return self.name.replace("_", " ").title()
