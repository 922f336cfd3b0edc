"""The description of the interface, made from the very rows by which it is served (OpenAPI 3.1)."""

from collections.abc import Collection, Mapping
from importlib.metadata import version

from exchange.http_status import Status
from exchange.problems import ErrorForm
from exchange.resources import FORM, Operation, Place

OPENAPI_PATH = "/api/openapi.json"

SCHEMAS = "#/components/schemas/"
"""Where schemas stand to which others refer."""

# What the door answers before an operation is asked, for each in its own form of errors.
_OF_THE_DOOR = {
    Status.BAD_REQUEST: "The request cannot be read.",
    Status.UNAUTHORIZED: "There is no assertion, or one that is not accepted.",
    Status.FORBIDDEN: "The user, or his software, may not do this.",
    Status.NOT_ACCEPTABLE: "The answer cannot be had in a form that is accepted.",
    Status.INTERNAL_SERVER_ERROR: "The server failed; its log has the reference.",
    Status.SERVICE_UNAVAILABLE: "The server is too busy, or cannot record what it would do.",
}
_OF_A_BODY = {
    Status.CONTENT_TOO_LARGE: "The body is too large.",
    Status.UNSUPPORTED_MEDIA_TYPE: "The body is of another media type.",
    Status.UNPROCESSABLE_CONTENT: "The body, or a parameter, is not as described.",
}


def describe(operations: Collection[Operation], address: str) -> Mapping[str, object]:
    """The whole description."""
    schemas: dict[str, object] = {}
    paths: dict[str, dict[str, object]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Coffre",
            "summary": "What patients decide about their records, and what was done with them.",
            "version": version("coffre"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": address}],
        "security": [{"assertion": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "assertion": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "SAML 2.0 assertion in base64url (ITI TF-2: 3.72.6.2)",
                    "description": "The assertion that web services take as well [ITI-40].",
                }
            },
        },
    }


def _operation(operation: Operation, schemas: dict[str, object]) -> Mapping[str, object]:
    described: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": _responses(operation, schemas),
    }
    if operation.parameters:
        described["parameters"] = [
            {
                "name": one.name,
                "in": one.place.value,
                "description": one.description,
                "required": one.required or one.place is Place.PATH,
                "schema": one.schema,
            }
            for one in operation.parameters
        ]
    if operation.takes:
        schema = _hoisted(operation.takes_schema, schemas)
        content = {taken: {"schema": schema} for taken in operation.takes}
        described["requestBody"] = {"required": FORM not in operation.takes, "content": content}
    return described


def _responses(operation: Operation, schemas: dict[str, object]) -> Mapping[str, object]:
    schema = _hoisted(operation.gives_schema, schemas)
    answer = {"description": "Done.", "content": {given: {"schema": schema} for given in operation.gives}}
    failures = {**_OF_THE_DOOR, **(_OF_A_BODY if operation.takes else {}), **operation.failures}
    return {
        "200": answer,
        **{str(status.value): _failure(failures[status], operation.errors) for status in sorted(failures)},
    }


def _failure(description: str, errors: ErrorForm) -> Mapping[str, object]:
    return {"description": description, "content": {errors.content_type: {"schema": errors.schema}}}


def _hoisted(schema: Mapping[str, object], schemas: dict[str, object]) -> Mapping[str, object]:
    """The schema, and what it is made of put where the whole description finds it."""
    parts = schema.get("$defs")
    if isinstance(parts, Mapping):
        schemas.update(parts)
    return {key: value for key, value in schema.items() if key != "$defs"}
