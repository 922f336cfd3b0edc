"""The tree over the records (RFC 6962 section 2.1)."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atna_audit.merkle import Tree, leaf_hash

# RFC 6962 gives the definition; leaves and roots are those that its implementations are tested with.
LEAVES = [bytes.fromhex(one) for one in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes.fromhex("606162636465666768696a6b6c6d6e6f"))
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_a_tree_has_the_root_that_others_compute(size, root):
    tree = Tree()
    for leaf in LEAVES[:size]:
        tree.append(leaf_hash(leaf))
    assert (tree.size, tree.root.hex()) == (size, root)


def root_by_definition(leaves):
    """MTH of RFC 6962 section 2.1, word for word."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\0" + leaves[0] if leaves else b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = root_by_definition(leaves[:split]), root_by_definition(leaves[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


@given(st.lists(st.binary(max_size=4), max_size=70), st.integers(0, 70))
def test_a_tree_that_was_put_away_grows_as_one_that_was_not(leaves, cut):
    begun = Tree()
    for leaf in leaves[:cut]:
        begun.append(leaf_hash(leaf))
    tree = Tree.stored(begun.size, b"".join(begun.peaks))
    for leaf in leaves[cut:]:
        tree.append(leaf_hash(leaf))
    assert tree.root == root_by_definition(leaves)


def test_peaks_of_another_size_are_refused():
    with pytest.raises(ValueError, match="peaks"):
        Tree.stored(3, bytes(32))
