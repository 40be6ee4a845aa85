-- State of pipelines: owners (partitions and shards), their cells and their outbox. Schema version 1.
-- Run once in the state database, as the user the silos connect with (or grant it SELECT, INSERT, UPDATE, DELETE).
CREATE TABLE IF NOT EXISTS kor_schema (
    component varchar(40) PRIMARY KEY,
    version   bigint      NOT NULL
);

CREATE TABLE IF NOT EXISTS kor_owner (
    owner      varchar(400) COLLATE "C" PRIMARY KEY,
    epoch      bigint      NOT NULL,
    header     bytea,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- No index on due_at: an owner's due cells are found by its key range, and updates that touch no index stay
-- on their page (HOT). Pages are filled by half, because a checkpoint rewrites most rows of a page at once.
CREATE TABLE IF NOT EXISTS kor_cell (
    owner   varchar(400) COLLATE "C" NOT NULL,
    step    varchar(200) COLLATE "C" NOT NULL,
    cell    varchar(200) COLLATE "C" NOT NULL,
    part    bigint NOT NULL,
    due_at  bigint,
    payload bytea  NOT NULL,
    CONSTRAINT kor_cell_pk PRIMARY KEY (owner, step, cell, part)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE kor_cell ALTER COLUMN payload SET STORAGE EXTERNAL;

CREATE TABLE IF NOT EXISTS kor_outbox (
    owner    varchar(400) COLLATE "C" NOT NULL,
    sequence bigint       NOT NULL,
    sink     varchar(200) NOT NULL,
    payload  bytea        NOT NULL,
    CONSTRAINT kor_outbox_pk PRIMARY KEY (owner, sequence)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

INSERT INTO kor_schema (component, version) VALUES ('state', 1) ON CONFLICT (component) DO UPDATE SET version = 1;
