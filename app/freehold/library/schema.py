"""The library's tables, as scripts that are only ever appended to.

A path is the bytes of its name: file names need not be text. A document's chunks tile its text, so the text is kept
once, and `library_words` has none of its own (contentless); deleting from it needs the words that were put in. Its
'secure-delete' matters: without it traces of deleted words stay (measured).
"""

from __future__ import annotations

FIRST = """
CREATE TABLE library_collection (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE library_source (
  id INTEGER PRIMARY KEY, path BLOB NOT NULL, collection INTEGER NOT NULL REFERENCES library_collection,
  watched INTEGER NOT NULL DEFAULT 0, first INTEGER NOT NULL DEFAULT 0, excluded TEXT NOT NULL DEFAULT '[]',
  UNIQUE (path, collection));
CREATE TABLE library_document (
  id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL,
  collection INTEGER NOT NULL REFERENCES library_collection, source INTEGER NOT NULL REFERENCES library_source,
  state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', title TEXT NOT NULL DEFAULT '',
  pages INTEGER NOT NULL DEFAULT 0, chunks INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, inode INTEGER NOT NULL,
  fingerprint TEXT NOT NULL DEFAULT '', UNIQUE (path, collection));
CREATE INDEX library_document_state ON library_document (state);
CREATE TABLE library_chunk (
  id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL REFERENCES library_document, place INTEGER NOT NULL,
  start INTEGER NOT NULL, page INTEGER, context TEXT NOT NULL, text TEXT NOT NULL, hash BLOB NOT NULL,
  UNIQUE (document, place));
CREATE INDEX library_chunk_hash ON library_chunk (hash);
CREATE TABLE library_vector (
  hash BLOB NOT NULL, embedder TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (hash, embedder)) WITHOUT ROWID;
CREATE TABLE library_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE library_words USING fts5(
  text, context, content='', tokenize="porter unicode61 remove_diacritics 2");
INSERT INTO library_words (library_words, rank) VALUES ('secure-delete', 1);
INSERT INTO library_words (library_words, rank) VALUES ('automerge', 2);
CREATE VIRTUAL TABLE library_terms USING fts5vocab(library_words, 'row');
"""

# A document's kind is its real one where it was read; until then, and for those read before, what its name says.
SECOND = """
ALTER TABLE library_document ADD COLUMN kind TEXT NOT NULL DEFAULT '';
UPDATE library_document SET kind = lower('.' || replace(
  CAST(path AS TEXT), rtrim(CAST(path AS TEXT), replace(CAST(path AS TEXT), '.', '')), ''))
  WHERE instr(CAST(path AS TEXT), '.');
UPDATE library_document SET kind = '' WHERE instr(kind, '/') OR instr(kind, char(92)) OR kind = '.';
"""

# A vector of 384 numbers takes half a page here, and most of two in a table WITHOUT ROWID, whose rows overflow early.
THIRD = """
CREATE TABLE library_vector_kept (
  id INTEGER PRIMARY KEY, hash BLOB NOT NULL, embedder TEXT NOT NULL, vector BLOB NOT NULL, UNIQUE (hash, embedder));
INSERT INTO library_vector_kept (hash, embedder, vector) SELECT v.hash, v.embedder, v.vector
  FROM library_vector v ORDER BY (SELECT min(c.id) FROM library_chunk c WHERE c.hash = v.hash);
DROP TABLE library_vector;
ALTER TABLE library_vector_kept RENAME TO library_vector;
"""

TOKENIZER = "porter unicode61 remove_diacritics 2"  # of the query, which is taken apart by FTS5 itself
