-- Runs of chains: mixing, phase diagrams, exact chains, trajectories.

-- From where a run goes on, as JSON; written in one transaction with the rows that belong to it.
CREATE TABLE chain_checkpoint (
    run   INTEGER PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
    state TEXT NOT NULL
) STRICT;

-- One cell of a grid over temperature and length. temperature is a number or "infinity"; summary is JSON and replaced
-- as the cell goes on. subject counts the run's models from 0.
CREATE TABLE chain_cell (
    run         INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    cell        INTEGER NOT NULL,
    subject     INTEGER NOT NULL,
    model       TEXT NOT NULL,
    length      INTEGER NOT NULL,
    temperature TEXT NOT NULL,
    cap         INTEGER NOT NULL,
    finished    INTEGER NOT NULL CHECK (finished IN (0, 1)),
    summary     TEXT NOT NULL,
    PRIMARY KEY (run, cell)
) STRICT, WITHOUT ROWID;

-- When a pair met or a chain escaped, in steps of X; met = 0: it had not by then (censored).
CREATE TABLE chain_meeting (
    run  INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    cell INTEGER NOT NULL,
    pair INTEGER NOT NULL,
    time INTEGER NOT NULL,
    met  INTEGER NOT NULL CHECK (met IN (0, 1)),
    PRIMARY KEY (run, cell, pair)
) STRICT, WITHOUT ROWID;

-- Tokens that a chain chose, step after step; segments of a chain follow one another by ordinal.
CREATE TABLE chain_segment (
    ordinal INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    cell    INTEGER NOT NULL,
    pair    INTEGER NOT NULL,
    second  INTEGER NOT NULL CHECK (second IN (0, 1)),
    tokens  BLOB NOT NULL
) STRICT;

CREATE INDEX chain_segment_by_chain ON chain_segment (run, cell, pair, second, ordinal);

-- What a run found, as named JSON documents.
CREATE TABLE run_document (
    run  INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
