-- Beside the sinks' tables: the progress of their lanes and the rows that were refused. Schema version 1.
-- Run once in every database that sinks write to, as the user the silos connect with
-- (or grant it SELECT, INSERT, UPDATE, DELETE). Run again, it adds what tables of version 0.1 lack and keeps what is there.
CREATE TABLE IF NOT EXISTS kor_schema (
    component varchar(40) PRIMARY KEY,
    version   bigint      NOT NULL
);

-- One row per lane: epoch fences old writers, writes counts committed transactions, so that a COMMIT without an answer
-- can be told from one that never happened.
CREATE TABLE IF NOT EXISTS kor_lane (
    lane        varchar(800) COLLATE "C" PRIMARY KEY,
    epoch       bigint      NOT NULL,
    writes      bigint      NOT NULL,
    progress    bigint      NOT NULL,
    quarantined bigint      NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- What a lane has written and found there already, ever; new since version 0.1, whose lanes begin at 0.
ALTER TABLE kor_lane ADD COLUMN IF NOT EXISTS written bigint NOT NULL DEFAULT 0;
ALTER TABLE kor_lane ADD COLUMN IF NOT EXISTS already bigint NOT NULL DEFAULT 0;

CREATE TABLE IF NOT EXISTS kor_quarantine (
    id               varchar(64) COLLATE "C" PRIMARY KEY,
    pipeline         varchar(200)  NOT NULL,
    pipeline_version bigint        NOT NULL,
    place            varchar(400)  NOT NULL,
    code             varchar(100)  NOT NULL,
    reason           varchar(4000) NOT NULL,
    topic            varchar(250),
    topic_partition  bigint        NOT NULL,
    topic_offset     bigint        NOT NULL,
    record_time      bigint        NOT NULL,
    added_at         timestamptz   NOT NULL,
    headers          text,
    record_key       bytea,
    record_value     bytea
);
CREATE INDEX IF NOT EXISTS kor_quarantine_ix1 ON kor_quarantine (pipeline, added_at, id);

INSERT INTO kor_schema (component, version) VALUES ('sink', 1), ('lane', 1) ON CONFLICT (component) DO UPDATE SET version = 1;
