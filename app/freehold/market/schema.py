"""The tables of the market room. Scripts are only ever appended to: old vaults take the ones they lack."""

from __future__ import annotations

# A receipt's ids are what was said, and its hashes are made from it: the whole row goes with its chat, in the same
# transaction. What a job cost and how it ended stays, and says nothing of its content.
_PEERS = """
CREATE TABLE devices (
    id TEXT PRIMARY KEY,               -- the owner's address, in lower case
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('own', 'stranger')),
    node_key TEXT NOT NULL,
    hpke_key TEXT NOT NULL,
    certificate TEXT NOT NULL,
    tls TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    documents INTEGER NOT NULL CHECK (documents IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('active', 'blocked', 'forgotten')),
    paired REAL NOT NULL,
    offers TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID;

CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    device TEXT NOT NULL REFERENCES devices (id),
    manifest TEXT NOT NULL,
    model TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    data_class TEXT NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'wished' CHECK (state IN ('wished', 'open', 'closed')),
    ending TEXT NOT NULL DEFAULT '',
    opened REAL NOT NULL,
    closed REAL NOT NULL DEFAULT 0,
    first_token_s REAL NOT NULL DEFAULT 0,
    tokens_per_s REAL NOT NULL DEFAULT 0,
    CHECK ((state = 'closed') = (ending != ''))
);
CREATE INDEX jobs_by_device ON jobs (device, seq);
CREATE INDEX jobs_not_closed ON jobs (state) WHERE state != 'closed';
CREATE TRIGGER a_closed_job_stays BEFORE UPDATE ON jobs WHEN old.state = 'closed'
BEGIN
    SELECT RAISE (ABORT, 'a closed job stays as it is');
END;

CREATE TABLE receipts (
    job TEXT PRIMARY KEY REFERENCES jobs (id),
    chat TEXT REFERENCES chats (id) ON DELETE CASCADE,
    receipt TEXT NOT NULL,
    prompt TEXT NOT NULL,
    answer TEXT NOT NULL,
    sampling TEXT NOT NULL,
    CHECK (chat IS NOT NULL OR (prompt = '' AND answer = '' AND sampling = '{}'))
);
CREATE INDEX receipts_by_chat ON receipts (chat);
CREATE TRIGGER a_receipt_stays BEFORE UPDATE ON receipts
BEGIN
    SELECT RAISE (ABORT, 'a receipt stays as it was signed');
END;

CREATE TABLE checks (
    job TEXT PRIMARY KEY REFERENCES jobs (id),
    time REAL NOT NULL,
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    tokens INTEGER NOT NULL,
    margin REAL NOT NULL,
    reason TEXT NOT NULL
);

-- Jobs that this machine did for others: the gateway's journal, absorbed.
CREATE TABLE lent (
    job TEXT NOT NULL,
    client TEXT NOT NULL,
    model TEXT NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    ending TEXT NOT NULL,
    opened REAL NOT NULL,
    closed REAL NOT NULL,
    PRIMARY KEY (job, client)
) WITHOUT ROWID;
CREATE INDEX lent_by_time ON lent (opened);
"""

MIGRATIONS: tuple[str, ...] = (_PEERS,)
