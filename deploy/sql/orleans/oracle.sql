-- Orleans over Oracle 19c and later: clustering, grain storage, reminders. The queries answer the contract of Orleans' ADO.NET providers.
-- Against the scripts that come with Orleans: a grain has at most one row, kept so by a unique index, so that of several
-- first writers one wins and the others get an inconsistent-state error instead of a second row; membership changes its version
-- first and undoes nothing by hand; keys are VARCHAR2, so that their indexes serve.
-- Run once as the user the silos connect with. Needs CREATE TABLE and CREATE PROCEDURE. ORA-00955 means it is there already.
-- No statement has an empty line and no line inside one ends with a semicolon, except in functions, which end with a slash.
CREATE TABLE OrleansQuery (
    QueryKey  VARCHAR2(64 BYTE)   NOT NULL,
    QueryText VARCHAR2(4000 BYTE) NOT NULL,
    CONSTRAINT OrleansQuery_PK PRIMARY KEY (QueryKey)
);

CREATE TABLE OrleansMembershipVersionTable (
    DeploymentId VARCHAR2(150 CHAR) NOT NULL,
    Timestamp    TIMESTAMP(6)       NOT NULL,
    Version      NUMBER(10)         NOT NULL,
    CONSTRAINT OrleansMembershipVersion_PK PRIMARY KEY (DeploymentId)
);

CREATE TABLE OrleansMembershipTable (
    DeploymentId VARCHAR2(150 CHAR) NOT NULL,
    Address      VARCHAR2(45 BYTE)       NOT NULL,
    Port         NUMBER(10)         NOT NULL,
    Generation   NUMBER(10)         NOT NULL,
    SiloName     VARCHAR2(150 CHAR) NOT NULL,
    HostName     VARCHAR2(150 CHAR) NOT NULL,
    Status       NUMBER(10)         NOT NULL,
    ProxyPort    NUMBER(10),
    SuspectTimes VARCHAR2(4000 BYTE),
    StartTime    TIMESTAMP(6)       NOT NULL,
    IAmAliveTime TIMESTAMP(6)       NOT NULL,
    CONSTRAINT OrleansMembership_PK PRIMARY KEY (DeploymentId, Address, Port, Generation),
    CONSTRAINT OrleansMembership_FK FOREIGN KEY (DeploymentId) REFERENCES OrleansMembershipVersionTable (DeploymentId)
);

CREATE TABLE OrleansStorage (
    GrainIdHash            NUMBER(10)         NOT NULL,
    GrainIdN0              NUMBER(19)         NOT NULL,
    GrainIdN1              NUMBER(19)         NOT NULL,
    GrainTypeHash          NUMBER(10)         NOT NULL,
    GrainTypeString        VARCHAR2(512 CHAR) NOT NULL,
    GrainIdExtensionString VARCHAR2(512 CHAR),
    ServiceId              VARCHAR2(150 CHAR) NOT NULL,
    PayloadBinary          BLOB,
    ModifiedOn             TIMESTAMP(6)       NOT NULL,
    Version                NUMBER(10)         NOT NULL
);
CREATE UNIQUE INDEX UX_OrleansStorage ON OrleansStorage
    (GrainIdHash, GrainTypeHash, GrainIdN0, GrainIdN1, GrainTypeString, COALESCE(GrainIdExtensionString, ' '), ServiceId);

CREATE TABLE OrleansRemindersTable (
    ServiceId    VARCHAR2(150 CHAR) NOT NULL,
    GrainId      VARCHAR2(600 CHAR) NOT NULL,
    ReminderName VARCHAR2(150 CHAR) NOT NULL,
    StartTime    TIMESTAMP(6)       NOT NULL,
    Period       NUMBER(19)         NOT NULL,
    GrainHash    NUMBER(10)         NOT NULL,
    Version      NUMBER(10)         NOT NULL,
    CONSTRAINT OrleansReminders_PK PRIMARY KEY (ServiceId, GrainId, ReminderName)
);
CREATE INDEX IX_OrleansReminders ON OrleansRemindersTable (ServiceId, GrainHash);

CREATE OR REPLACE FUNCTION OrleansInsertVersion (P_Deployment IN VARCHAR2) RETURN NUMBER IS
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    INSERT INTO OrleansMembershipVersionTable (DeploymentId, Timestamp, Version)
    VALUES (P_Deployment, SYS_EXTRACT_UTC(SYSTIMESTAMP), 0);
    COMMIT;
    RETURN 1;
EXCEPTION
    WHEN DUP_VAL_ON_INDEX THEN
        ROLLBACK;
        RETURN 0;
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansInsertMember (
    P_Deployment IN VARCHAR2, P_Address IN VARCHAR2, P_Port IN NUMBER, P_Generation IN NUMBER, P_SiloName IN VARCHAR2,
    P_HostName IN VARCHAR2, P_Status IN NUMBER, P_ProxyPort IN NUMBER, P_StartTime IN TIMESTAMP, P_Alive IN TIMESTAMP,
    P_Version IN NUMBER) RETURN NUMBER IS
    Moved NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    UPDATE OrleansMembershipVersionTable SET Timestamp = SYS_EXTRACT_UTC(SYSTIMESTAMP), Version = Version + 1
    WHERE DeploymentId = P_Deployment AND Version = P_Version;
    Moved := SQL%ROWCOUNT;
    IF Moved = 1 THEN
        INSERT INTO OrleansMembershipTable (DeploymentId, Address, Port, Generation, SiloName, HostName, Status,
            ProxyPort, StartTime, IAmAliveTime)
        VALUES (P_Deployment, P_Address, P_Port, P_Generation, P_SiloName, P_HostName, P_Status,
            P_ProxyPort, P_StartTime, P_Alive);
    END IF;
    COMMIT;
    RETURN Moved;
EXCEPTION
    WHEN DUP_VAL_ON_INDEX THEN
        ROLLBACK;
        RETURN 0;
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansUpdateMember (
    P_Deployment IN VARCHAR2, P_Address IN VARCHAR2, P_Port IN NUMBER, P_Generation IN NUMBER, P_Status IN NUMBER,
    P_Suspects IN VARCHAR2, P_Alive IN TIMESTAMP, P_Version IN NUMBER) RETURN NUMBER IS
    Moved NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    UPDATE OrleansMembershipVersionTable SET Timestamp = SYS_EXTRACT_UTC(SYSTIMESTAMP), Version = Version + 1
    WHERE DeploymentId = P_Deployment AND Version = P_Version
        AND EXISTS (SELECT 1 FROM OrleansMembershipTable WHERE DeploymentId = P_Deployment AND Address = P_Address
            AND Port = P_Port AND Generation = P_Generation);
    Moved := SQL%ROWCOUNT;
    IF Moved = 1 THEN
        UPDATE OrleansMembershipTable SET Status = P_Status, SuspectTimes = P_Suspects, IAmAliveTime = P_Alive
        WHERE DeploymentId = P_Deployment AND Address = P_Address AND Port = P_Port AND Generation = P_Generation;
    END IF;
    COMMIT;
    RETURN Moved;
EXCEPTION
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansUpdateAlive (
    P_Deployment IN VARCHAR2, P_Address IN VARCHAR2, P_Port IN NUMBER, P_Generation IN NUMBER, P_Alive IN TIMESTAMP)
    RETURN NUMBER IS
    Changed NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    UPDATE OrleansMembershipTable SET IAmAliveTime = P_Alive
    WHERE DeploymentId = P_Deployment AND Address = P_Address AND Port = P_Port AND Generation = P_Generation;
    Changed := SQL%ROWCOUNT;
    COMMIT;
    RETURN Changed;
EXCEPTION
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansDeleteMembers (P_Deployment IN VARCHAR2) RETURN NUMBER IS
    Gone NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    DELETE FROM OrleansMembershipTable WHERE DeploymentId = P_Deployment;
    Gone := SQL%ROWCOUNT;
    DELETE FROM OrleansMembershipVersionTable WHERE DeploymentId = P_Deployment;
    COMMIT;
    RETURN Gone;
EXCEPTION
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansCleanUpMembers (P_Deployment IN VARCHAR2, P_Alive IN TIMESTAMP) RETURN NUMBER IS
    Gone NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    DELETE FROM OrleansMembershipTable WHERE DeploymentId = P_Deployment AND IAmAliveTime < P_Alive AND Status <> 3;
    Gone := SQL%ROWCOUNT;
    COMMIT;
    RETURN Gone;
EXCEPTION
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansWriteState (
    P_IdHash IN NUMBER, P_N0 IN NUMBER, P_N1 IN NUMBER, P_TypeHash IN NUMBER, P_Type IN VARCHAR2,
    P_Extension IN VARCHAR2, P_Service IN VARCHAR2, P_Version IN NUMBER, P_Payload IN BLOB) RETURN NUMBER IS
    Changed NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    IF P_Version IS NULL THEN
        INSERT INTO OrleansStorage (GrainIdHash, GrainIdN0, GrainIdN1, GrainTypeHash, GrainTypeString,
            GrainIdExtensionString, ServiceId, PayloadBinary, ModifiedOn, Version)
        VALUES (P_IdHash, P_N0, P_N1, P_TypeHash, P_Type, P_Extension, P_Service, P_Payload,
            SYS_EXTRACT_UTC(SYSTIMESTAMP), 1);
        COMMIT;
        RETURN 1;
    END IF;
    UPDATE OrleansStorage SET PayloadBinary = P_Payload, ModifiedOn = SYS_EXTRACT_UTC(SYSTIMESTAMP), Version = Version + 1
    WHERE GrainIdHash = P_IdHash AND GrainTypeHash = P_TypeHash AND GrainIdN0 = P_N0 AND GrainIdN1 = P_N1
        AND GrainTypeString = P_Type AND ServiceId = P_Service
        AND COALESCE(GrainIdExtensionString, ' ') = COALESCE(P_Extension, ' ') AND Version = P_Version;
    Changed := SQL%ROWCOUNT;
    COMMIT;
    IF Changed = 1 THEN
        RETURN P_Version + 1;
    END IF;
    RETURN NULL;
EXCEPTION
    WHEN DUP_VAL_ON_INDEX THEN
        ROLLBACK;
        RETURN NULL;
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansClearState (
    P_IdHash IN NUMBER, P_N0 IN NUMBER, P_N1 IN NUMBER, P_TypeHash IN NUMBER, P_Type IN VARCHAR2,
    P_Extension IN VARCHAR2, P_Service IN VARCHAR2, P_Version IN NUMBER) RETURN NUMBER IS
    Changed NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    UPDATE OrleansStorage SET PayloadBinary = NULL, ModifiedOn = SYS_EXTRACT_UTC(SYSTIMESTAMP), Version = Version + 1
    WHERE GrainIdHash = P_IdHash AND GrainTypeHash = P_TypeHash AND GrainIdN0 = P_N0 AND GrainIdN1 = P_N1
        AND GrainTypeString = P_Type AND ServiceId = P_Service
        AND COALESCE(GrainIdExtensionString, ' ') = COALESCE(P_Extension, ' ') AND Version = P_Version;
    Changed := SQL%ROWCOUNT;
    COMMIT;
    IF Changed = 1 THEN
        RETURN P_Version + 1;
    END IF;
    RETURN NULL;
EXCEPTION
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansDeleteState (
    P_IdHash IN NUMBER, P_N0 IN NUMBER, P_N1 IN NUMBER, P_TypeHash IN NUMBER, P_Type IN VARCHAR2,
    P_Extension IN VARCHAR2, P_Service IN VARCHAR2, P_Version IN NUMBER) RETURN NUMBER IS
    Changed NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    DELETE FROM OrleansStorage
    WHERE GrainIdHash = P_IdHash AND GrainTypeHash = P_TypeHash AND GrainIdN0 = P_N0 AND GrainIdN1 = P_N1
        AND GrainTypeString = P_Type AND ServiceId = P_Service
        AND COALESCE(GrainIdExtensionString, ' ') = COALESCE(P_Extension, ' ') AND Version = P_Version;
    Changed := SQL%ROWCOUNT;
    COMMIT;
    IF Changed = 1 THEN
        RETURN P_Version + 1;
    END IF;
    RETURN NULL;
EXCEPTION
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansUpsertReminder (
    P_Service IN VARCHAR2, P_GrainId IN VARCHAR2, P_Name IN VARCHAR2, P_StartTime IN TIMESTAMP, P_Period IN NUMBER,
    P_Hash IN NUMBER) RETURN NUMBER IS
    Current_Version NUMBER;
    Changed NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    UPDATE OrleansRemindersTable SET StartTime = P_StartTime, Period = P_Period, GrainHash = P_Hash, Version = Version + 1
    WHERE ServiceId = P_Service AND GrainId = P_GrainId AND ReminderName = P_Name;
    Changed := SQL%ROWCOUNT;
    IF Changed = 0 THEN
        INSERT INTO OrleansRemindersTable (ServiceId, GrainId, ReminderName, StartTime, Period, GrainHash, Version)
        VALUES (P_Service, P_GrainId, P_Name, P_StartTime, P_Period, P_Hash, 0);
    END IF;
    SELECT Version INTO Current_Version FROM OrleansRemindersTable
    WHERE ServiceId = P_Service AND GrainId = P_GrainId AND ReminderName = P_Name;
    COMMIT;
    RETURN Current_Version;
EXCEPTION
    WHEN DUP_VAL_ON_INDEX THEN
        -- Another silo inserted it first: its row is visible now.
        ROLLBACK;
        UPDATE OrleansRemindersTable SET StartTime = P_StartTime, Period = P_Period, GrainHash = P_Hash, Version = Version + 1
        WHERE ServiceId = P_Service AND GrainId = P_GrainId AND ReminderName = P_Name;
        SELECT Version INTO Current_Version FROM OrleansRemindersTable
        WHERE ServiceId = P_Service AND GrainId = P_GrainId AND ReminderName = P_Name;
        COMMIT;
        RETURN Current_Version;
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansDeleteReminder (
    P_Service IN VARCHAR2, P_GrainId IN VARCHAR2, P_Name IN VARCHAR2, P_Version IN NUMBER) RETURN NUMBER IS
    Gone NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    DELETE FROM OrleansRemindersTable
    WHERE ServiceId = P_Service AND GrainId = P_GrainId AND ReminderName = P_Name AND Version = P_Version;
    Gone := SQL%ROWCOUNT;
    COMMIT;
    RETURN Gone;
EXCEPTION
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

CREATE OR REPLACE FUNCTION OrleansDeleteReminders (P_Service IN VARCHAR2) RETURN NUMBER IS
    Gone NUMBER;
    PRAGMA AUTONOMOUS_TRANSACTION;
BEGIN
    DELETE FROM OrleansRemindersTable WHERE ServiceId = P_Service;
    Gone := SQL%ROWCOUNT;
    COMMIT;
    RETURN Gone;
EXCEPTION
    WHEN OTHERS THEN
        ROLLBACK;
        RAISE;
END;
/

-- Orleans binds strings as NVARCHAR2: the casts let the indexes on VARCHAR2 columns serve.
MERGE INTO OrleansQuery T USING (
    SELECT 'InsertMembershipVersionKey' AS QueryKey, 'SELECT OrleansInsertVersion(:DeploymentId) AS Made FROM DUAL' AS QueryText FROM DUAL
    UNION ALL SELECT 'InsertMembershipKey', 'SELECT OrleansInsertMember(:DeploymentId, :Address, :Port, :Generation, :SiloName, :HostName, :Status, :ProxyPort, :StartTime, :IAmAliveTime, :Version) AS Made FROM DUAL' FROM DUAL
    UNION ALL SELECT 'UpdateMembershipKey', 'SELECT OrleansUpdateMember(:DeploymentId, :Address, :Port, :Generation, :Status, :SuspectTimes, :IAmAliveTime, :Version) AS Made FROM DUAL' FROM DUAL
    UNION ALL SELECT 'UpdateIAmAlivetimeKey', 'SELECT OrleansUpdateAlive(:DeploymentId, :Address, :Port, :Generation, :IAmAliveTime) AS Made FROM DUAL' FROM DUAL
    UNION ALL SELECT 'MembershipReadRowKey', 'SELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version FROM OrleansMembershipVersionTable v LEFT JOIN OrleansMembershipTable m ON m.DeploymentId = v.DeploymentId AND m.Address = :Address AND m.Port = :Port AND m.Generation = :Generation WHERE v.DeploymentId = CAST(:DeploymentId AS VARCHAR2(600))' FROM DUAL
    UNION ALL SELECT 'MembershipReadAllKey', 'SELECT v.DeploymentId, m.Address, m.Port, m.Generation, m.SiloName, m.HostName, m.Status, m.ProxyPort, m.SuspectTimes, m.StartTime, m.IAmAliveTime, v.Version FROM OrleansMembershipVersionTable v LEFT JOIN OrleansMembershipTable m ON m.DeploymentId = v.DeploymentId WHERE v.DeploymentId = CAST(:DeploymentId AS VARCHAR2(600))' FROM DUAL
    UNION ALL SELECT 'DeleteMembershipTableEntriesKey', 'SELECT OrleansDeleteMembers(:DeploymentId) AS Gone FROM DUAL' FROM DUAL
    UNION ALL SELECT 'GatewaysQueryKey', 'SELECT Address, ProxyPort, Generation FROM OrleansMembershipTable WHERE DeploymentId = CAST(:DeploymentId AS VARCHAR2(600)) AND Status = :Status AND ProxyPort > 0' FROM DUAL
    UNION ALL SELECT 'CleanupDefunctSiloEntriesKey', 'SELECT OrleansCleanUpMembers(:DeploymentId, :IAmAliveTime) AS Gone FROM DUAL' FROM DUAL
    UNION ALL SELECT 'WriteToStorageKey', 'SELECT OrleansWriteState(:GrainIdHash, :GrainIdN0, :GrainIdN1, :GrainTypeHash, :GrainTypeString, :GrainIdExtensionString, :ServiceId, :GrainStateVersion, :PayloadBinary) AS NewGrainStateVersion FROM DUAL' FROM DUAL
    UNION ALL SELECT 'ReadFromStorageKey', 'SELECT PayloadBinary, ModifiedOn, Version FROM OrleansStorage WHERE GrainIdHash = :GrainIdHash AND GrainTypeHash = :GrainTypeHash AND GrainIdN0 = :GrainIdN0 AND GrainIdN1 = :GrainIdN1 AND GrainTypeString = CAST(:GrainTypeString AS VARCHAR2(2048)) AND ServiceId = CAST(:ServiceId AS VARCHAR2(600)) AND COALESCE(GrainIdExtensionString, '' '') = COALESCE(CAST(:GrainIdExtensionString AS VARCHAR2(2048)), '' '')' FROM DUAL
    UNION ALL SELECT 'ClearStorageKey', 'SELECT OrleansClearState(:GrainIdHash, :GrainIdN0, :GrainIdN1, :GrainTypeHash, :GrainTypeString, :GrainIdExtensionString, :ServiceId, :GrainStateVersion) AS NewGrainStateVersion FROM DUAL' FROM DUAL
    UNION ALL SELECT 'DeleteStorageKey', 'SELECT OrleansDeleteState(:GrainIdHash, :GrainIdN0, :GrainIdN1, :GrainTypeHash, :GrainTypeString, :GrainIdExtensionString, :ServiceId, :GrainStateVersion) AS NewGrainStateVersion FROM DUAL' FROM DUAL
    UNION ALL SELECT 'UpsertReminderRowKey', 'SELECT OrleansUpsertReminder(:ServiceId, :GrainId, :ReminderName, :StartTime, :Period, :GrainHash) AS Version FROM DUAL' FROM DUAL
    UNION ALL SELECT 'ReadReminderRowsKey', 'SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable WHERE ServiceId = CAST(:ServiceId AS VARCHAR2(600)) AND GrainId = CAST(:GrainId AS VARCHAR2(2400))' FROM DUAL
    UNION ALL SELECT 'ReadReminderRowKey', 'SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable WHERE ServiceId = CAST(:ServiceId AS VARCHAR2(600)) AND GrainId = CAST(:GrainId AS VARCHAR2(2400)) AND ReminderName = CAST(:ReminderName AS VARCHAR2(600))' FROM DUAL
    UNION ALL SELECT 'ReadRangeRows1Key', 'SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable WHERE ServiceId = CAST(:ServiceId AS VARCHAR2(600)) AND GrainHash > :BeginHash AND GrainHash <= :EndHash' FROM DUAL
    UNION ALL SELECT 'ReadRangeRows2Key', 'SELECT GrainId, ReminderName, StartTime, Period, Version FROM OrleansRemindersTable WHERE ServiceId = CAST(:ServiceId AS VARCHAR2(600)) AND (GrainHash > :BeginHash OR GrainHash <= :EndHash)' FROM DUAL
    UNION ALL SELECT 'DeleteReminderRowKey', 'SELECT OrleansDeleteReminder(:ServiceId, :GrainId, :ReminderName, :Version) AS Gone FROM DUAL' FROM DUAL
    UNION ALL SELECT 'DeleteReminderRowsKey', 'SELECT OrleansDeleteReminders(:ServiceId) AS Gone FROM DUAL' FROM DUAL
) S ON (T.QueryKey = S.QueryKey)
WHEN MATCHED THEN UPDATE SET QueryText = S.QueryText
WHEN NOT MATCHED THEN INSERT (QueryKey, QueryText) VALUES (S.QueryKey, S.QueryText);

COMMIT;
