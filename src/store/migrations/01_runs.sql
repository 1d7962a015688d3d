-- What a project is, what the user typed into it, and which runs it holds.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Half-filled forms, as JSON.
CREATE TABLE draft (
    key     TEXT PRIMARY KEY,
    json    TEXT NOT NULL,
    changed TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sentence_list (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE sentence (
    list    INTEGER NOT NULL REFERENCES sentence_list (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (list, ordinal)
) STRICT, WITHOUT ROWID;

-- Times are RFC 3339 in UTC; seed is the unsigned number's bit pattern; spec and models are JSON.
CREATE TABLE run (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT NOT NULL,
    spec            TEXT NOT NULL,
    spec_sha256     TEXT NOT NULL,
    seed            INTEGER NOT NULL,
    models          TEXT,
    inputs          TEXT,
    program_version TEXT NOT NULL,
    git_commit      TEXT,
    device          TEXT NOT NULL,
    state           TEXT NOT NULL
        CHECK (state IN ('queued', 'running', 'paused', 'interrupted', 'done', 'failed', 'cancelled')),
    created         TEXT NOT NULL,
    started         TEXT,
    finished        TEXT,
    seconds         REAL NOT NULL DEFAULT 0,
    error           TEXT,
    archived        INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1))
) STRICT;

CREATE INDEX run_by_state ON run (state);

CREATE TABLE run_log (
    run     INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    at      TEXT NOT NULL,
    level   TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (run, ordinal)
) STRICT, WITHOUT ROWID;
