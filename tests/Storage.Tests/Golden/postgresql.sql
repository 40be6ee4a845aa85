-- state: RaiseEpoch
INSERT INTO kor_owner (owner, epoch, updated_at) VALUES ($1, 1, now()) ON CONFLICT (owner) DO UPDATE SET epoch = kor_owner.epoch + 1, updated_at = now() RETURNING epoch, header

-- state: Peek
SELECT epoch, header FROM kor_owner WHERE owner = $1

-- state: WriteHeader
UPDATE kor_owner SET header = $1, updated_at = now() WHERE owner = $2 AND epoch = $3

-- state: UpsertCells
INSERT INTO kor_cell (owner, step, cell, part, due_at, payload) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[]) ON CONFLICT (owner, step, cell, part) DO UPDATE SET due_at = excluded.due_at, payload = excluded.payload

-- state: DeleteCells
DELETE FROM kor_cell k USING unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS u(owner, step, cell, part) WHERE k.owner = u.owner AND k.step = u.step AND k.cell = u.cell AND k.part = u.part

-- state: ListCells
SELECT step, cell, part, due_at FROM kor_cell WHERE owner = $1

-- state: AddOutbox
INSERT INTO kor_outbox (owner, sequence, sink, payload) SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[]) ON CONFLICT (owner, sequence) DO UPDATE SET sink = excluded.sink, payload = excluded.payload

-- state: DropOutbox
DELETE FROM kor_outbox k USING unnest($1::text[], $2::bigint[]) AS u(owner, sequence) WHERE k.owner = u.owner AND k.sequence = u.sequence

-- state: ReadOutbox
SELECT sequence, sink, payload FROM kor_outbox WHERE owner = $1 ORDER BY sequence

-- state: OwnersWith
SELECT owner FROM kor_owner WHERE starts_with(owner, $1) ORDER BY owner

-- state: ResetOwner
UPDATE kor_owner SET epoch = epoch + 1, header = NULL, updated_at = now() WHERE owner = $1

-- state: ResetCells
DELETE FROM kor_cell WHERE owner = $1

-- state: ResetOutbox
DELETE FROM kor_outbox WHERE owner = $1

-- state: OwnersUsed
SELECT owner, NULL, COUNT(*), SUM(COALESCE(LENGTH(header), 0)) FROM kor_owner GROUP BY owner

-- state: CellsUsed
SELECT owner, step, COUNT(*), SUM(COALESCE(LENGTH(payload), 0)) FROM kor_cell GROUP BY owner, step

-- state: OutboxUsed
SELECT owner, NULL, COUNT(*), SUM(COALESCE(LENGTH(payload), 0)) FROM kor_outbox GROUP BY owner

-- state: QuarantineUsed
SELECT pipeline, NULL, COUNT(*), SUM(COALESCE(LENGTH(record_key), 0) + COALESCE(LENGTH(record_value), 0)) FROM kor_quarantine GROUP BY pipeline

-- state: AuditUsed
SELECT NULL, NULL, COUNT(*), NULL FROM kor_audit

-- state: ReadVersion
SELECT version FROM kor_schema WHERE component = $1

-- state: read cells by part
SELECT c.step, c.cell, c.part, c.due_at, c.payload FROM unnest($2::text[], $3::text[], $4::bigint[]) AS u(step, cell, part) CROSS JOIN LATERAL (SELECT k.* FROM kor_cell k WHERE k.owner = $1 AND k.step = u.step AND k.cell = u.cell AND k.part = u.part OFFSET 0) AS c

-- state: read whole cells
SELECT c.step, c.cell, c.part, c.due_at, c.payload FROM unnest($2::text[], $3::text[]) AS u(step, cell) CROSS JOIN LATERAL (SELECT k.* FROM kor_cell k WHERE k.owner = $1 AND k.step = u.step AND k.cell = u.cell OFFSET 0) AS c

-- sink: RaiseLane
INSERT INTO kor_lane (lane, epoch, writes, progress, quarantined, updated_at) VALUES ($1, 1, 0, -1, 0, now()) ON CONFLICT (lane) DO UPDATE SET epoch = kor_lane.epoch + 1, updated_at = now() RETURNING epoch, writes, progress, quarantined, written, already

-- sink: ReadLane
SELECT epoch, writes, progress, quarantined, written, already FROM kor_lane WHERE lane = $1

-- sink: AdvanceLane
UPDATE kor_lane SET writes = writes + 1, progress = $1, updated_at = now() WHERE lane = $2 AND epoch = $3 AND writes = $4

-- sink: CountRows
UPDATE kor_lane SET written = written + $1, already = already + $2, quarantined = quarantined + $3 WHERE lane = $4

-- sink: AddQuarantine
INSERT INTO kor_quarantine (id, pipeline, pipeline_version, place, code, reason, topic, topic_partition, topic_offset, record_time, added_at, headers, record_key, record_value) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::timestamptz[], $12::text[], $13::bytea[], $14::bytea[]) ON CONFLICT (id) DO NOTHING

-- sink: append
INSERT INTO "dwh"."revenue_5m" AS t ("customer_id", "window_start", "orders", "revenue", "ratio", "vip", "day", "revision", "doc", "raw") SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::numeric[], $5::double precision[], $6::boolean[], $7::date[], $8::bigint[], $9::jsonb[], $10::bytea[]) ON CONFLICT ("customer_id", "window_start") DO NOTHING

-- sink: upsert
INSERT INTO "dwh"."revenue_5m" AS t ("customer_id", "window_start", "orders", "revenue", "ratio", "vip", "day", "revision", "doc", "raw") SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::numeric[], $5::double precision[], $6::boolean[], $7::date[], $8::bigint[], $9::jsonb[], $10::bytea[]) ON CONFLICT ("customer_id", "window_start") DO UPDATE SET "orders" = excluded."orders", "revenue" = excluded."revenue", "ratio" = excluded."ratio", "vip" = excluded."vip", "day" = excluded."day", "revision" = excluded."revision", "doc" = excluded."doc", "raw" = excluded."raw" WHERE t."revision" IS NULL OR t."revision" <= excluded."revision"

-- sink: upsert without values
INSERT INTO "ids" AS t ("id") SELECT * FROM unnest($1::bigint[]) ON CONFLICT ("id") DO NOTHING

-- sink: upsert, missing values kept (1)
UPDATE "dwh"."revenue_5m" AS t SET "orders" = COALESCE(u.c2, t."orders"), "revenue" = COALESCE(u.c3, t."revenue"), "ratio" = COALESCE(u.c4, t."ratio"), "vip" = COALESCE(u.c5, t."vip"), "day" = COALESCE(u.c6, t."day"), "revision" = COALESCE(u.c7, t."revision"), "doc" = COALESCE(u.c8, t."doc"), "raw" = COALESCE(u.c9, t."raw") FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::numeric[], $5::double precision[], $6::boolean[], $7::date[], $8::bigint[], $9::jsonb[], $10::bytea[]) AS u(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9) WHERE t."customer_id" = u.c0 AND t."window_start" = u.c1 AND (t."revision" IS NULL OR t."revision" <= u.c7)

-- sink: upsert, missing values kept (2)
INSERT INTO "dwh"."revenue_5m" AS t ("customer_id", "window_start", "orders", "revenue", "ratio", "vip", "day", "revision", "doc", "raw") SELECT u.c0, u.c1, u.c2, u.c3, u.c4, u.c5, u.c6, u.c7, u.c8, u.c9 FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::numeric[], $5::double precision[], $6::boolean[], $7::date[], $8::bigint[], $9::jsonb[], $10::bytea[]) AS u(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9) WHERE NOT EXISTS (SELECT 1 FROM "dwh"."revenue_5m" AS o WHERE o."customer_id" = u.c0 AND o."window_start" = u.c1) ON CONFLICT ("customer_id", "window_start") DO UPDATE SET "orders" = COALESCE(excluded."orders", t."orders"), "revenue" = COALESCE(excluded."revenue", t."revenue"), "ratio" = COALESCE(excluded."ratio", t."ratio"), "vip" = COALESCE(excluded."vip", t."vip"), "day" = COALESCE(excluded."day", t."day"), "revision" = COALESCE(excluded."revision", t."revision"), "doc" = COALESCE(excluded."doc", t."doc"), "raw" = COALESCE(excluded."raw", t."raw") WHERE t."revision" IS NULL OR t."revision" <= excluded."revision"

-- sink: update
UPDATE "dwh"."revenue_5m" AS t SET "orders" = u.c2, "revenue" = u.c3, "ratio" = u.c4, "vip" = u.c5, "day" = u.c6, "revision" = u.c7, "doc" = u.c8, "raw" = u.c9 FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::numeric[], $5::double precision[], $6::boolean[], $7::date[], $8::bigint[], $9::jsonb[], $10::bytea[]) AS u(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9) WHERE t."customer_id" = u.c0 AND t."window_start" = u.c1 AND (t."revision" IS NULL OR t."revision" <= u.c7)

-- sink: update, missing values kept
UPDATE "dwh"."revenue_5m" AS t SET "orders" = COALESCE(u.c2, t."orders"), "revenue" = COALESCE(u.c3, t."revenue"), "ratio" = COALESCE(u.c4, t."ratio"), "vip" = COALESCE(u.c5, t."vip"), "day" = COALESCE(u.c6, t."day"), "revision" = COALESCE(u.c7, t."revision"), "doc" = COALESCE(u.c8, t."doc"), "raw" = COALESCE(u.c9, t."raw") FROM unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::numeric[], $5::double precision[], $6::boolean[], $7::date[], $8::bigint[], $9::jsonb[], $10::bytea[]) AS u(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9) WHERE t."customer_id" = u.c0 AND t."window_start" = u.c1 AND (t."revision" IS NULL OR t."revision" <= u.c7)

-- sink: delete
DELETE FROM "dwh"."revenue_5m" AS t USING unnest($1::text[], $2::timestamptz[]) AS u(c0, c1) WHERE t."customer_id" = u.c0 AND t."window_start" = u.c1

-- sink: delete what is older
DELETE FROM "dwh"."revenue_5m" AS t USING unnest($1::text[], $2::timestamptz[], $3::bigint[]) AS u(c0, c1, c2) WHERE t."customer_id" = u.c0 AND t."window_start" = u.c1 AND (t."revision" IS NULL OR t."revision" < u.c2)

-- sink: create table
CREATE TABLE "dwh"."revenue_5m" (
    "customer_id" text NOT NULL,
    "window_start" timestamp with time zone NOT NULL,
    "orders" bigint,
    "revenue" numeric(18, 2),
    "ratio" double precision,
    "vip" boolean,
    "day" date,
    "revision" bigint,
    "doc" jsonb,
    "raw" bytea,
    CONSTRAINT "revenue_5m_pk" PRIMARY KEY ("customer_id", "window_start")
)

-- sink: create table with types
CREATE TABLE "dwh"."revenue_5m" (
    "customer_id" VARCHAR(40) NOT NULL,
    "window_start" timestamp with time zone NOT NULL,
    "orders" NUMERIC(7),
    "revenue" numeric(18, 2),
    "ratio" double precision,
    "vip" boolean,
    "day" date,
    "revision" bigint,
    "doc" jsonb,
    "raw" bytea,
    CONSTRAINT "revenue_5m_pk" PRIMARY KEY ("customer_id", "window_start")
)

-- sink: create index
CREATE INDEX "revenue_5m_i1" ON "dwh"."revenue_5m" ("orders", "customer_id")

-- sink: create index
CREATE INDEX "revenue_5m_i2" ON "dwh"."revenue_5m" ("customer_id")

-- lookup
SELECT u.place, t."raw" FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY AS u(c0, c1, place) JOIN "dwh"."revenue_5m" t ON t."customer_id" = u.c0 AND t."window_start" = u.c1

-- lookup by one key
SELECT u.place, t."orders" FROM unnest($1::text[]) WITH ORDINALITY AS u(c0, place) JOIN "dwh"."revenue_5m" t ON t."customer_id" = u.c0

-- sink: upsert without revision
INSERT INTO "plain" AS t ("id", "v") SELECT * FROM unnest($1::bigint[], $2::text[]) ON CONFLICT ("id") DO UPDATE SET "v" = excluded."v"

-- sink: add column
ALTER TABLE "dwh"."revenue_5m" ADD "orders" bigint

-- sink: add column
ALTER TABLE "dwh"."revenue_5m" ADD "revenue" numeric(18, 2)

-- sink: add column
ALTER TABLE "dwh"."revenue_5m" ADD "ratio" double precision

-- sink: add column
ALTER TABLE "dwh"."revenue_5m" ADD "vip" boolean

-- sink: add column
ALTER TABLE "dwh"."revenue_5m" ADD "day" date

-- sink: add column
ALTER TABLE "dwh"."revenue_5m" ADD "revision" bigint

-- sink: add column
ALTER TABLE "dwh"."revenue_5m" ADD "doc" jsonb

-- sink: add column
ALTER TABLE "dwh"."revenue_5m" ADD "raw" bytea

-- sink: constraints at once
SET CONSTRAINTS ALL IMMEDIATE

-- schema: lock
SELECT pg_advisory_xact_lock(5264177301)

-- constant: ReadAllParts
SELECT c.step, c.cell, c.part, c.due_at, c.payload FROM unnest($2::text[], $3::text[]) AS u(step, cell) CROSS JOIN LATERAL (SELECT k.* FROM kor_cell k WHERE k.owner = $1 AND k.step = u.step AND k.cell = u.cell OFFSET 0) AS c

-- constant: ReadColumns
WITH RECURSIVE c AS (SELECT a.attnum, a.attname, a.atttypid AS typ, a.atttypmod AS modifier, a.attnotnull AS filled, a.atthasdef OR a.attidentity <> '' AS has_default, a.attidentity::text AS identity, a.attgenerated::text AS generated, 0 AS depth FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped UNION ALL SELECT c.attnum, c.attname, t.typbasetype, t.typtypmod, c.filled OR t.typnotnull, c.has_default OR t.typdefault IS NOT NULL, c.identity, c.generated, c.depth + 1 FROM c JOIN pg_type t ON t.oid = c.typ WHERE t.typtype = 'd') SELECT DISTINCT ON (c.attnum) c.attname, t.typname, c.modifier, c.filled, c.has_default, c.identity, c.generated, t.typtype::text, t.typcategory::text, format_type(c.typ, NULL) FROM c JOIN pg_type t ON t.oid = c.typ ORDER BY c.attnum, c.depth DESC

-- constant: ReadKind
SELECT relkind::text FROM pg_class WHERE oid = to_regclass($1)

-- constant: ReadParts
SELECT c.step, c.cell, c.part, c.due_at, c.payload FROM unnest($2::text[], $3::text[], $4::bigint[]) AS u(step, cell, part) CROSS JOIN LATERAL (SELECT k.* FROM kor_cell k WHERE k.owner = $1 AND k.step = u.step AND k.cell = u.cell AND k.part = u.part OFFSET 0) AS c

-- constant: ReadUniqueKeys
SELECT string_agg(a.attname, chr(1)), i.indimmediate, i.indisprimary, x.relname, EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u')) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL GROUP BY i.indexrelid, i.indimmediate, i.indisprimary, x.relname ORDER BY x.relname

-- constant: Savepoint
SAVEPOINT kor_rows

-- constant: ToSavepoint
ROLLBACK TO SAVEPOINT kor_rows

-- limit
FETCH FIRST 10 ROWS ONLY

-- ping
SELECT 1

