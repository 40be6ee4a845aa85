-- State of pipelines: owners (partitions and shards), their cells and their outbox. Schema version 1.
CREATE TABLE IF NOT EXISTS kor_schema (
    component TEXT    NOT NULL PRIMARY KEY,
    version   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS kor_owner (
    owner      TEXT    NOT NULL PRIMARY KEY,
    epoch      INTEGER NOT NULL,
    header     BLOB,
    updated_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);

CREATE TABLE IF NOT EXISTS kor_cell (
    owner   TEXT    NOT NULL,
    step    TEXT    NOT NULL,
    cell    TEXT    NOT NULL,
    part    INTEGER NOT NULL,
    due_at  INTEGER,
    payload BLOB    NOT NULL,
    PRIMARY KEY (owner, step, cell, part)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS kor_outbox (
    owner    TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    sink     TEXT    NOT NULL,
    payload  BLOB    NOT NULL,
    PRIMARY KEY (owner, sequence)
);

INSERT INTO kor_schema (component, version) VALUES ('state', 1) ON CONFLICT (component) DO UPDATE SET version = 1;
