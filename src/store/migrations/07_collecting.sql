-- Judgements of an EigenBench collection. Rows are derived from calls and can be made again from them.

-- constitution, scenario, judge, first, second and criterion are places in the run's spec; pass numbers the groups of a
-- scenario; criterion is 0 where the whole constitution was judged; choice is 0 for a tie, 1 or 2. verdict is the call that the
-- choice was read from, the others what the judge was shown. They are no foreign keys: a call belongs to the run that asked
-- first, and rows outlive that run.
CREATE TABLE comparison_row (
    run               INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    constitution      INTEGER NOT NULL,
    scenario          INTEGER NOT NULL,
    pass              INTEGER NOT NULL,
    judge             INTEGER NOT NULL,
    first             INTEGER NOT NULL,
    second            INTEGER NOT NULL,
    criterion         INTEGER NOT NULL,
    choice            INTEGER NOT NULL,
    verdict           INTEGER,
    first_response    INTEGER,
    second_response   INTEGER,
    first_reflection  INTEGER,
    second_reflection INTEGER,
    PRIMARY KEY (run, constitution, scenario, pass, judge, first, second, criterion)
) STRICT, WITHOUT ROWID;
