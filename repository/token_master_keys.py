"""Master keys in a PKCS#11 token, a hardware security module for one (OASIS PKCS #11 v2.40, 6.11, 6.13).

They are made there, wrap and unwrap there, and never come out. The patients' keys lie in the database as
under any other master key: AES-256-GCM with what the key is for as associated data.
"""

import asyncio
import importlib.util
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from exchange.ports import StorageError
from repository.master_keys import NONCE_BYTES, BadMasterKey, WrappedKey
from repository.sealing import KEY_BYTES, TAG_BYTES

if TYPE_CHECKING:
    import pkcs11

Result = TypeVar("Result")

# So a key in the token is told from one of the file.
ID_PREFIX = "pkcs11:"
KEY_ID_BYTES = 8
# The label of each of our keys begins so, and ends with the moment it was made: the last one is in use.
LABEL = "coffre master key "


@dataclass(frozen=True, slots=True)
class Token:
    """Which token, behind which module; `retired` opens what it has wrapped, and wraps nothing more."""

    module: Path
    label: str
    pin: str = field(repr=False)
    retired: bool = False


class TokenMasterKeys:
    """The master keys of one token, through one session that is opened anew when it was lost."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._session: pkcs11.Session | None = None
        # A session does one thing at a time.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="token")

    @classmethod
    async def open(cls, token: Token) -> "TokenMasterKeys":
        """Log in, and make the first key where there is none; BadMasterKey if that cannot be."""
        if importlib.util.find_spec("pkcs11") is None:
            raise BadMasterKey("for a token, install python-pkcs11: pip install 'coffre[pkcs11]'")
        keys = cls(token)
        try:
            await keys._do(lambda session: None)
            if not token.retired and not await keys._ids():
                await keys.add()
        except StorageError as problem:
            raise BadMasterKey(str(problem)) from problem
        return keys

    async def add(self) -> None:
        """Make one more key in the token; it is in use from then on, and the others still open."""
        label = LABEL + datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")

        def generate(session: "pkcs11.Session") -> None:
            from pkcs11 import Attribute, KeyType, MechanismFlag

            session.generate_key(
                KeyType.AES,
                KEY_BYTES * 8,
                id=secrets.token_bytes(KEY_ID_BYTES),
                label=label,
                store=True,
                capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
                template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )

        await self._do(generate)

    async def newest_id(self) -> str:
        ids = await self._ids()
        if not ids:
            raise StorageError(f"the token {self._token.label} holds no master key of ours")
        return ids[-1]

    async def knows(self, master_key_id: str) -> bool:
        return master_key_id in await self._ids()

    async def wrap(self, key: bytes, context: bytes) -> WrappedKey:
        master_key_id = await self.newest_id()
        nonce = secrets.token_bytes(NONCE_BYTES)

        def encrypt(session: "pkcs11.Session") -> bytes:
            return bytes(_key(session, master_key_id).encrypt(key, **_gcm(nonce, context)))

        return WrappedKey(master_key_id, nonce + await self._do(encrypt))

    async def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        nonce, content = wrapped.content[:NONCE_BYTES], wrapped.content[NONCE_BYTES:]

        def decrypt(session: "pkcs11.Session") -> bytes:
            return bytes(_key(session, wrapped.master_key_id).decrypt(content, **_gcm(nonce, context)))

        return await self._do(decrypt)

    async def _ids(self) -> list[str]:
        """The ids of our keys in the order in which they were made."""
        return await self._do(lambda session: [id_ for _, id_ in sorted(_keys_of(session))])

    async def _do(self, work: Callable[["pkcs11.Session"], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._done, work)

    def _done(self, work: Callable[["pkcs11.Session"], Result]) -> Result:
        """Do it; once more in a new session if the token says no, for it may have been restarted."""
        from pkcs11.exceptions import NoSuchKey, PKCS11Error

        try:
            if self._session is not None:
                try:
                    return work(self._session)
                except PKCS11Error:
                    self._session = None
            self._session = _logged_in(self._token)
            return work(self._session)
        except NoSuchKey as problem:
            raise StorageError(f"the token {self._token.label} does not hold that master key") from problem
        except PKCS11Error as problem:
            raise StorageError(f"the token {self._token.label}: {_reason(problem)}") from problem


def _logged_in(token: Token) -> "pkcs11.Session":
    import pkcs11
    from pkcs11.exceptions import UserAlreadyLoggedIn

    found = pkcs11.lib(str(token.module)).get_token(token_label=token.label)
    try:
        return found.open(rw=True, user_pin=token.pin)
    except UserAlreadyLoggedIn:
        # An earlier session of this process is still logged in, and with it the whole process.
        return found.open(rw=True)


def _keys_of(session: "pkcs11.Session") -> list[tuple[str, str]]:
    from pkcs11 import Attribute, ObjectClass

    ours = []
    for one in session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}):
        label = str(one[Attribute.LABEL])
        if label.startswith(LABEL):
            ours.append((label, ID_PREFIX + bytes(one[Attribute.ID]).hex()))
    return ours


def _key(session: "pkcs11.Session", master_key_id: str) -> Any:  # what a key can do depends on its token
    from pkcs11 import KeyType, ObjectClass

    id_ = bytes.fromhex(master_key_id.removeprefix(ID_PREFIX))
    return session.get_key(object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, id=id_)


def _gcm(nonce: bytes, context: bytes) -> dict[str, object]:
    from pkcs11 import GCMParams, Mechanism

    return {"mechanism": Mechanism.AES_GCM, "mechanism_param": GCMParams(nonce, context, TAG_BYTES * 8)}


def _reason(problem: Exception) -> str:
    """What the token says; most of its errors have a name and no text."""
    return str(problem) or type(problem).__name__
