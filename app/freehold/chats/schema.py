"""The tables of the chats room. Scripts are only ever appended to: old vaults take the ones they lack."""

from __future__ import annotations

# Order is by `seq`, never by the clock. What a long chat is laid out from (turns) is kept apart from its words, so
# that an outline of 10,000 turns reads 200 pages instead of 10,000.
_TREES = """
CREATE TABLE chats (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    touched INTEGER NOT NULL,          -- rises with every change worth moving the chat to the top for
    leaf INTEGER REFERENCES turns (seq),
    system_prompt TEXT,
    sampling TEXT NOT NULL DEFAULT '{}',
    model TEXT NOT NULL DEFAULT '',
    draft TEXT NOT NULL DEFAULT '',
    deleted REAL
);
CREATE INDEX chats_by_touched ON chats (touched);
CREATE INDEX chats_by_leaf ON chats (leaf);  -- asked for each turn that is erased

CREATE TABLE turns (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    chat INTEGER NOT NULL REFERENCES chats (seq),
    parent INTEGER REFERENCES turns (seq),
    depth INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    length INTEGER NOT NULL,           -- of the text, in characters
    created REAL NOT NULL,
    ending TEXT CHECK (ending IN ('complete', 'stopped', 'length', 'broken'))
);
CREATE INDEX turns_by_family ON turns (chat, parent);
CREATE INDEX turns_by_parent ON turns (parent);
CREATE INDEX turns_unsealed ON turns (ending) WHERE role = 'assistant' AND ending IS NULL;

CREATE TABLE words (
    turn INTEGER PRIMARY KEY REFERENCES turns (seq),
    text TEXT NOT NULL,
    provenance TEXT,
    tokens BLOB,
    error TEXT
);

CREATE TRIGGER a_turn_keeps_its_place BEFORE UPDATE OF seq, id, chat, parent, depth, role, created ON turns
BEGIN
    SELECT RAISE (ABORT, 'a turn keeps its place');
END;
CREATE TRIGGER a_sealed_turn_stays BEFORE UPDATE ON turns WHEN old.role = 'user' OR old.ending IS NOT NULL
BEGIN
    SELECT RAISE (ABORT, 'a sealed turn stays as it is');
END;
CREATE TRIGGER sealed_words_stay BEFORE UPDATE ON words
WHEN (SELECT role = 'user' OR ending IS NOT NULL FROM turns WHERE seq = old.turn)
BEGIN
    SELECT RAISE (ABORT, 'a sealed turn stays as it is');
END;

-- Both indexes borrow the text from its table. 'secure-delete' removes deleted words from them at once: without it
-- they stay, readable, until some later merge.
CREATE VIRTUAL TABLE found_words USING fts5 (
    text, content = 'words', content_rowid = 'turn', tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO found_words (found_words, rank) VALUES ('secure-delete', 1);
CREATE VIRTUAL TABLE found_titles USING fts5 (
    title, content = 'chats', content_rowid = 'seq', tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO found_titles (found_titles, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER a_title_is_found AFTER INSERT ON chats
BEGIN
    INSERT INTO found_titles (rowid, title) VALUES (new.seq, new.title);
END;
CREATE TRIGGER a_new_title_is_found AFTER UPDATE OF title ON chats WHEN old.title IS NOT new.title
BEGIN
    INSERT INTO found_titles (found_titles, rowid, title) VALUES ('delete', old.seq, old.title);
    INSERT INTO found_titles (rowid, title) VALUES (new.seq, new.title);
END;
CREATE TRIGGER an_erased_title_is_not AFTER DELETE ON chats
BEGIN
    INSERT INTO found_titles (found_titles, rowid, title) VALUES ('delete', old.seq, old.title);
END;
"""

# Which documents a chat's answers are made from (NULL: none, []: all, else names of collections), and the text of files
# that were attached to a question: `pieces` are [length, page] and tile it.
_DOCUMENTS = """
ALTER TABLE chats ADD COLUMN scope TEXT;

CREATE TABLE attachments (
    turn INTEGER NOT NULL REFERENCES turns (seq),
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    pieces TEXT NOT NULL,
    PRIMARY KEY (turn, place)
);
CREATE TRIGGER an_attachment_stays BEFORE UPDATE ON attachments
BEGIN
    SELECT RAISE (ABORT, 'a sealed turn stays as it is');
END;
"""

# Where answers of a chat may be made: auto, here or peer.
_PLACES = """
ALTER TABLE chats ADD COLUMN place TEXT NOT NULL DEFAULT 'auto' CHECK (place IN ('auto', 'here', 'peer'));
"""

MIGRATIONS: tuple[str, ...] = (_TREES, _DOCUMENTS, _PLACES)

# From a turn upwards, as far as its words take at most so many characters more: a long chat is not read to its root.
CLIMB = """
WITH RECURSIVE climb (seq, parent, depth, characters) AS (
    SELECT seq, parent, depth, length FROM turns WHERE seq = ?
    UNION ALL
    SELECT t.seq, t.parent, t.depth, climb.characters + t.length
    FROM climb JOIN turns AS t ON t.seq = climb.parent WHERE climb.characters < ?
)
SELECT seq, depth FROM climb ORDER BY depth
"""

# A whole tree at once: one pass over the index is twice as fast as climbing it turn by turn.
TREE = "SELECT seq, parent, id, role, length FROM turns WHERE chat = ? ORDER BY seq"

# The youngest of a turn (bound as ?) and all below it. Children are younger than their parents: it is a leaf.
YOUNGEST_BELOW = """
WITH RECURSIVE below (seq) AS (
    VALUES (?)
    UNION ALL
    SELECT turns.seq FROM below JOIN turns ON turns.parent = below.seq
)
SELECT seq, id FROM turns WHERE seq = (SELECT max(seq) FROM below)
"""

# Rows that are in the index of words and should not be, or the reverse.
UNFINDABLE = """
SELECT id FROM found_words_docsize WHERE id NOT IN (
    SELECT seq FROM turns WHERE role = 'user' OR ending IS NOT NULL)
UNION ALL
SELECT seq FROM turns WHERE (role = 'user' OR ending IS NOT NULL) AND seq NOT IN (SELECT id FROM found_words_docsize)
LIMIT 1
"""

FOUND_TITLES = """
SELECT c.id, c.title, r.id, coalesce(r.role, 'user'), highlight(found_titles, 0, char(2), char(3))
FROM found_titles f JOIN chats c ON c.seq = f.rowid
LEFT JOIN turns r ON r.seq = (SELECT min(seq) FROM turns WHERE chat = c.seq)
WHERE found_titles MATCH ? AND c.deleted IS NULL
ORDER BY f.rank, c.touched DESC LIMIT ?
"""

# The best are chosen first and cut out after: excerpts of ten thousand matches would take seconds.
FOUND_WORDS = """
SELECT t.seq, c.id, c.title, t.id, t.role
FROM found_words f JOIN turns t ON t.seq = f.rowid JOIN chats c ON c.seq = t.chat
WHERE found_words MATCH ? AND c.deleted IS NULL
ORDER BY f.rank, t.seq DESC LIMIT ?
"""
EXCERPT = """
SELECT snippet(found_words, 0, char(2), char(3), '…', 24) FROM found_words WHERE found_words MATCH ? AND rowid = ?
"""
