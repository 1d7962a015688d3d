-- Questions to language models, the answers that judges compared, and what the judges said.

-- One call. An answered one is never sent again in this project: key says who was asked what. reply is JSON, NULL where the
-- call failed; run is the run that asked first.
CREATE TABLE call (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    run      INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    at       TEXT NOT NULL,
    provider TEXT NOT NULL,
    request  TEXT NOT NULL,
    reply    TEXT,
    error    TEXT
) STRICT;

CREATE UNIQUE INDEX call_answered ON call (key) WHERE reply IS NOT NULL;

CREATE INDEX call_of_run ON call (run);

-- question and model are places in the run's spec; call is NULL where the answer was imported.
CREATE TABLE answer (
    run      INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    question INTEGER NOT NULL,
    model    INTEGER NOT NULL,
    call     INTEGER REFERENCES call (id) ON DELETE CASCADE,
    ending   TEXT NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (run, question, model)
) STRICT, WITHOUT ROWID;

-- pair counts the pairs of a question, 0 where all answers are ranked at once; replies says how many it took until one could
-- be read; shown and ballot are JSON. call is NULL where a person or a rule judged.
CREATE TABLE verdict (
    run      INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    judge    TEXT NOT NULL,
    question INTEGER NOT NULL,
    pass     INTEGER NOT NULL,
    pair     INTEGER NOT NULL,
    replies  INTEGER NOT NULL,
    call     INTEGER REFERENCES call (id) ON DELETE CASCADE,
    at       TEXT NOT NULL,
    shown    TEXT NOT NULL,
    ballot   TEXT NOT NULL,
    PRIMARY KEY (run, judge, question, pass, pair)
) STRICT, WITHOUT ROWID;
