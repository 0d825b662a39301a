from __future__ import annotations

import json

import pytest

from llmscope.generation import Tree


@pytest.fixture
def tree() -> Tree:
    """Two branches behind one token: 10 → 11 → 12, and 10 → 21 (forced) → 22."""
    tree = Tree([1, 2])
    first = tree.add(0, 10, -0.5, 0.6, 0)
    second = tree.add(first, 11, -1.0, 0.4, 0)
    tree.add(second, 12, -0.25, 0.8, 0)
    forced = tree.add(first, 21, -4.0, 0.0, 7, forced=True)
    tree.add(forced, 22, -0.125, 0.9, 0)
    return tree


def test_paths(tree):
    assert tree.ids(0) == [1, 2]
    assert tree.ids(3) == [1, 2, 10, 11, 12]
    assert tree.ids(5) == [1, 2, 10, 21, 22]
    assert tree.path(5) == (1, 4, 5)
    assert tree.leaves() == (3, 5)
    assert tree.children(1) == (2, 4)
    assert tree.common_ancestor(3, 5) == 1
    assert tree.common_ancestor(3, 2) == 2
    assert tree.parting(3, 5) == 1, "its former name"
    assert tree.logprob(3) == -1.75
    assert tree.logprob(0) == 0
    assert [node.depth for node in tree] == [1, 2, 3, 2, 3]
    assert [node.unforced for node in tree] == [1, 2, 3, 0, 1]
    assert [node.since for node in tree] == [1, 2, 3, 0, 1], "its former name"


def test_a_token_that_is_there_stays_as_it_is(tree):
    assert tree.add(1, 11, -9.0, 0.0, 5, forced=True) == 2
    assert tree[2].logprob == -1.0 and not tree[2].forced
    assert len(tree) == 5


def test_undo_takes_back_whole_actions(tree):
    tree.select(3)
    tree.begin()
    tree.select(tree.add(3, 13, -1.0, 0.5, 0))
    tree.select(tree.add(6, 14, -1.0, 0.5, 0))
    tree.begin()
    tree.select(tree.add(5, 23, -1.0, 0.5, 0))
    assert (len(tree), tree.current) == (8, 8)
    assert tree.undo()
    assert (len(tree), tree.current) == (7, 7)
    assert tree.children(5) == ()
    assert tree.undo()
    assert (len(tree), tree.current) == (5, 3)
    assert tree.leaves() == (3, 5)
    assert not tree.undo()
    assert tree.add(3, 99, -1.0, 0.5, 0) == 9, "a number is never used again"
    assert tree.last == 9 and 6 not in tree and tree.rows(start=5) == [tree.rows()[-1]]
    with pytest.raises(KeyError, match="no node 6"):
        tree[6]
    again = Tree.from_rows(tree.prompt, tree.rows())
    assert list(again) == list(tree) and again.leaves() == tree.leaves() == (5, 9)
    assert again.add(9, 1, -1.0, 0.5, 0) == 10


def test_undo_passes_over_what_changed_nothing(tree):
    assert not tree.can_undo
    tree.begin()
    tree.select(3)
    for _ in range(2):  # as where a text has ended
        tree.begin()
    assert tree.can_undo and tree.undo()
    assert tree.current == 0
    assert not tree.can_undo and not tree.undo()


def test_rows_are_json_and_make_the_tree_again(tree):
    rows = json.loads(json.dumps(tree.rows()))
    again = Tree.from_rows([1, 2], rows)
    assert list(again) == list(tree)
    assert tree.rows(start=3) == rows[3:]
    with pytest.raises(ValueError, match="not in its place"):
        Tree.from_rows([1, 2], [rows[0], {**rows[1], "number": 1}])
    with pytest.raises(ValueError, match="not in its place"):
        Tree.from_rows([1, 2], [*rows, rows[-1]])


def test_what_is_not_there_is_told(tree):
    for read in (tree.path, tree.children, tree.ids, tree.select):
        with pytest.raises(KeyError, match="no node 6"):
            read(6)
    with pytest.raises(KeyError, match="no node 0"):
        tree[0]
