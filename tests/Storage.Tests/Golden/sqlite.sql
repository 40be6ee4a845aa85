-- state: RaiseEpoch
INSERT INTO kor_owner (owner, epoch) VALUES (@P0, 1) ON CONFLICT (owner) DO UPDATE SET epoch = epoch + 1, updated_at = excluded.updated_at RETURNING epoch, header

-- state: Peek
SELECT epoch, header FROM kor_owner WHERE owner = @P0

-- state: WriteHeader
UPDATE kor_owner SET header = @P0, updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE owner = @P1 AND epoch = @P2

-- state: UpsertCells
INSERT INTO kor_cell (owner, step, cell, part, due_at, payload) VALUES (@P0, @P1, @P2, @P3, @P4, @P5) ON CONFLICT (owner, step, cell, part) DO UPDATE SET due_at = excluded.due_at, payload = excluded.payload

-- state: DeleteCells
DELETE FROM kor_cell WHERE owner = @P0 AND step = @P1 AND cell = @P2 AND part = @P3

-- state: ListCells
SELECT step, cell, part, due_at FROM kor_cell WHERE owner = @P0

-- state: AddOutbox
INSERT INTO kor_outbox (owner, sequence, sink, payload) VALUES (@P0, @P1, @P2, @P3) ON CONFLICT (owner, sequence) DO UPDATE SET sink = excluded.sink, payload = excluded.payload

-- state: DropOutbox
DELETE FROM kor_outbox WHERE owner = @P0 AND sequence = @P1

-- state: ReadOutbox
SELECT sequence, sink, payload FROM kor_outbox WHERE owner = @P0 ORDER BY sequence

-- state: OwnersWith
SELECT owner FROM kor_owner WHERE instr(owner, @P0) = 1 ORDER BY owner

-- state: ResetOwner
UPDATE kor_owner SET epoch = epoch + 1, header = NULL, updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE owner = @P0

-- state: ResetCells
DELETE FROM kor_cell WHERE owner = @P0

-- state: ResetOutbox
DELETE FROM kor_outbox WHERE owner = @P0

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
SELECT version FROM kor_schema WHERE component = @P0

-- state: read cells by part
SELECT step, cell, part, due_at, payload FROM kor_cell WHERE owner = @P0 AND step = @P1 AND cell = @P2 AND part = @P3

-- state: read whole cells
SELECT step, cell, part, due_at, payload FROM kor_cell WHERE owner = @P0 AND step = @P1 AND cell = @P2

-- sink: RaiseLane
INSERT INTO kor_lane (lane, epoch, writes, progress, quarantined) VALUES (@P0, 1, 0, -1, 0) ON CONFLICT (lane) DO UPDATE SET epoch = epoch + 1, updated_at = excluded.updated_at RETURNING epoch, writes, progress, quarantined, written, already

-- sink: ReadLane
SELECT epoch, writes, progress, quarantined, written, already FROM kor_lane WHERE lane = @P0

-- sink: AdvanceLane
UPDATE kor_lane SET writes = writes + 1, progress = @P0, updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') WHERE lane = @P1 AND epoch = @P2 AND writes = @P3

-- sink: CountRows
UPDATE kor_lane SET written = written + @P0, already = already + @P1, quarantined = quarantined + @P2 WHERE lane = @P3

-- sink: AddQuarantine
INSERT INTO kor_quarantine (id, pipeline, pipeline_version, place, code, reason, topic, topic_partition, topic_offset, record_time, added_at, headers, record_key, record_value) VALUES (@P0, @P1, @P2, @P3, @P4, @P5, @P6, @P7, @P8, @P9, @P10, @P11, @P12, @P13) ON CONFLICT (id) DO NOTHING

-- sink: append
INSERT INTO "DWH"."REVENUE_5M" AS t ("customer_id", "window_start", "orders", "revenue", "ratio", "vip", "day", "revision", "doc", "raw") VALUES (@P0, @P1, @P2, @P3, @P4, @P5, @P6, @P7, @P8, @P9) ON CONFLICT ("customer_id", "window_start") DO NOTHING

-- sink: upsert
INSERT INTO "DWH"."REVENUE_5M" AS t ("customer_id", "window_start", "orders", "revenue", "ratio", "vip", "day", "revision", "doc", "raw") VALUES (@P0, @P1, @P2, @P3, @P4, @P5, @P6, @P7, @P8, @P9) ON CONFLICT ("customer_id", "window_start") DO UPDATE SET "orders" = excluded."orders", "revenue" = excluded."revenue", "ratio" = excluded."ratio", "vip" = excluded."vip", "day" = excluded."day", "revision" = excluded."revision", "doc" = excluded."doc", "raw" = excluded."raw" WHERE t."revision" IS NULL OR t."revision" <= excluded."revision"

-- sink: upsert without values
INSERT INTO "ids" AS t ("id") VALUES (@P0) ON CONFLICT ("id") DO NOTHING

-- sink: upsert, missing values kept (1)
UPDATE "DWH"."REVENUE_5M" SET "orders" = coalesce(?3, "orders"), "revenue" = coalesce(?4, "revenue"), "ratio" = coalesce(?5, "ratio"), "vip" = coalesce(?6, "vip"), "day" = coalesce(?7, "day"), "revision" = coalesce(?8, "revision"), "doc" = coalesce(?9, "doc"), "raw" = coalesce(?10, "raw") WHERE "customer_id" = ?1 AND "window_start" = ?2 AND ("revision" IS NULL OR "revision" <= ?8)

-- sink: upsert, missing values kept (2)
INSERT INTO "DWH"."REVENUE_5M" ("customer_id", "window_start", "orders", "revenue", "ratio", "vip", "day", "revision", "doc", "raw") SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (SELECT 1 FROM "DWH"."REVENUE_5M" WHERE "customer_id" = ?1 AND "window_start" = ?2)

-- sink: update
UPDATE "DWH"."REVENUE_5M" SET "orders" = ?3, "revenue" = ?4, "ratio" = ?5, "vip" = ?6, "day" = ?7, "revision" = ?8, "doc" = ?9, "raw" = ?10 WHERE "customer_id" = ?1 AND "window_start" = ?2 AND ("revision" IS NULL OR "revision" <= ?8)

-- sink: update, missing values kept
UPDATE "DWH"."REVENUE_5M" SET "orders" = coalesce(?3, "orders"), "revenue" = coalesce(?4, "revenue"), "ratio" = coalesce(?5, "ratio"), "vip" = coalesce(?6, "vip"), "day" = coalesce(?7, "day"), "revision" = coalesce(?8, "revision"), "doc" = coalesce(?9, "doc"), "raw" = coalesce(?10, "raw") WHERE "customer_id" = ?1 AND "window_start" = ?2 AND ("revision" IS NULL OR "revision" <= ?8)

-- sink: delete
DELETE FROM "DWH"."REVENUE_5M" WHERE "customer_id" = @P0 AND "window_start" = @P1

-- sink: delete what is older
DELETE FROM "DWH"."REVENUE_5M" WHERE "customer_id" = @P0 AND "window_start" = @P1 AND ("revision" IS NULL OR "revision" < @P2)

-- sink: create table
CREATE TABLE "DWH"."REVENUE_5M" (
    "customer_id" TEXT NOT NULL,
    "window_start" TEXT NOT NULL,
    "orders" INTEGER,
    "revenue" TEXT,
    "ratio" REAL,
    "vip" BOOLEAN,
    "day" TEXT,
    "revision" INTEGER,
    "doc" TEXT,
    "raw" BLOB,
    CONSTRAINT "REVENUE_5M_pk" PRIMARY KEY ("customer_id", "window_start")
)

-- sink: create table with types
CREATE TABLE "DWH"."REVENUE_5M" (
    "customer_id" VARCHAR(40) NOT NULL,
    "window_start" TEXT NOT NULL,
    "orders" NUMERIC(7),
    "revenue" TEXT,
    "ratio" REAL,
    "vip" BOOLEAN,
    "day" TEXT,
    "revision" INTEGER,
    "doc" TEXT,
    "raw" BLOB,
    CONSTRAINT "REVENUE_5M_pk" PRIMARY KEY ("customer_id", "window_start")
)

-- sink: create index
CREATE INDEX "REVENUE_5M_i1" ON "DWH"."REVENUE_5M" ("orders", "customer_id")

-- sink: create index
CREATE INDEX "REVENUE_5M_i2" ON "DWH"."REVENUE_5M" ("customer_id")

-- lookup
SELECT "raw" FROM "DWH"."REVENUE_5M" WHERE "customer_id" = @P0 AND "window_start" = @P1

-- lookup by one key
SELECT "orders" FROM "DWH"."REVENUE_5M" WHERE "customer_id" = @P0

-- sink: upsert without revision
INSERT INTO "plain" AS t ("id", "v") VALUES (@P0, @P1) ON CONFLICT ("id") DO UPDATE SET "v" = excluded."v"

-- sink: add column
ALTER TABLE "DWH"."REVENUE_5M" ADD "orders" INTEGER

-- sink: add column
ALTER TABLE "DWH"."REVENUE_5M" ADD "revenue" TEXT

-- sink: add column
ALTER TABLE "DWH"."REVENUE_5M" ADD "ratio" REAL

-- sink: add column
ALTER TABLE "DWH"."REVENUE_5M" ADD "vip" BOOLEAN

-- sink: add column
ALTER TABLE "DWH"."REVENUE_5M" ADD "day" TEXT

-- sink: add column
ALTER TABLE "DWH"."REVENUE_5M" ADD "revision" INTEGER

-- sink: add column
ALTER TABLE "DWH"."REVENUE_5M" ADD "doc" TEXT

-- sink: add column
ALTER TABLE "DWH"."REVENUE_5M" ADD "raw" BLOB

-- constant: ReadAllParts
SELECT step, cell, part, due_at, payload FROM kor_cell WHERE owner = @P0 AND step = @P1 AND cell = @P2

-- constant: ReadColumns
SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(@P0)

-- constant: ReadKind
SELECT type FROM sqlite_schema WHERE name = @P0 COLLATE NOCASE AND type IN ('table', 'view')

-- constant: ReadPart
SELECT step, cell, part, due_at, payload FROM kor_cell WHERE owner = @P0 AND step = @P1 AND cell = @P2 AND part = @P3

-- constant: ReadUniqueKeys
SELECT (SELECT group_concat(i.name, char(1)) FROM pragma_index_info(l.name) i), l.name, l.origin FROM pragma_index_list(@P0) l WHERE l."unique" = 1 AND l.partial = 0

-- limit
LIMIT 10

-- ping
SELECT 1

