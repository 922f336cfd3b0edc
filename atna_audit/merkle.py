"""A Merkle tree that only grows (RFC 6962 section 2.1): one hash over every record and their order."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

HASH_BYTES = 32


def leaf_hash(content: bytes) -> bytes:
    """The hash of one leaf; it can never be that of a node."""
    return hashlib.sha256(b"\0" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(slots=True)
class Tree:
    """As much of a tree as it takes to grow: the roots of its whole subtrees, the largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def stored(cls, size: int, peaks: bytes) -> "Tree":
        """Take up a tree where it was left; ValueError if these are not the peaks of so many leaves."""
        if len(peaks) != HASH_BYTES * size.bit_count():
            raise ValueError("the peaks of the tree are not those of its size")
        return cls(size, [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)])

    def append(self, leaf: bytes) -> None:
        """Put one leaf at the end."""
        self.peaks.append(leaf)
        self.size += 1
        # Two subtrees of equal size become one, as a carry runs through a binary number.
        rest = self.size
        while not rest & 1:
            right = self.peaks.pop()
            self.peaks.append(node_hash(self.peaks.pop(), right))
            rest >>= 1

    @property
    def root(self) -> bytes:
        """The hash of all leaves in their order."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        *rest, root = self.peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root


def leaf_of(row: Mapping[str, object], subjects: Iterable[tuple[int, str, int]]) -> bytes:
    """The leaf of a stored record: all of it, with what it is found by."""
    message = row["message"]
    if not isinstance(message, bytes):
        raise TypeError("a message is bytes")
    facts = [row[name] for name in _FACTS]
    head = json.dumps([*facts, sorted(map(list, subjects))], separators=(",", ":"))
    return leaf_hash(head.encode() + b"\n" + message)


# In this order for ever: another one would make every record look altered.
_FACTS = (
    "digest",
    "received_milliseconds",
    "peer",
    "transport",
    "at_milliseconds",
    "outcome",
    "sender",
    "diagnosis",
)
