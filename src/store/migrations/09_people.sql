-- What people chose between two responses of a collection; a second choice of the same person replaces the first.

-- Numbers are places in the run's spec; first was on the left. choice is 0 for a tie, 1 or 2.
CREATE TABLE person_comparison (
    run          INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    person       TEXT NOT NULL,
    constitution INTEGER NOT NULL,
    scenario     INTEGER NOT NULL,
    criterion    INTEGER NOT NULL,
    first        INTEGER NOT NULL,
    second       INTEGER NOT NULL,
    choice       INTEGER NOT NULL,
    at           TEXT NOT NULL,
    PRIMARY KEY (run, person, constitution, scenario, criterion, first, second)
) STRICT, WITHOUT ROWID;
