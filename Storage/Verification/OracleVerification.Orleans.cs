using System.Data;
using System.Data.Common;
using System.Globalization;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Storage.Verification;

/// <content>
/// Orleans' own statements with the binds its AdoNet providers make: by name, texts as DbType.String (NVARCHAR2), whole numbers as they are,
/// times as DbType.DateTime, payloads as BLOB. None of the product's own binds is like that.
/// </content>
public sealed partial class OracleVerification
{
    private async Task<(bool, string)> OrleansBindsAsync(CancellationToken cancellation)
    {
        await State.OrleansSchema.CreateAsync(_database, cancellation).ConfigureAwait(false);
        var payload = new byte[100_000];
        payload.AsSpan().Fill(7);
        var start = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
        return await _database.ReadAsync<(bool, string)>(
            async (session, token) =>
            {
                (string, DbType, object?)[] grain =
                [
                    ("GrainIdHash", DbType.Int32, -7), ("GrainIdN0", DbType.Int64, long.MaxValue), ("GrainIdN1", DbType.Int64, long.MinValue), ("GrainTypeHash", DbType.Int32, 11),
                    ("GrainTypeString", DbType.String, "語"), ("GrainIdExtensionString", DbType.String, null), ("ServiceId", DbType.String, "KOR_VERIFY"),
                ];
                const string Grain = ":GrainIdHash, :GrainIdN0, :GrainIdN1, :GrainTypeHash, :GrainTypeString, :GrainIdExtensionString, :ServiceId, :GrainStateVersion";
                var first = await AskAsync($"SELECT OrleansWriteState({Grain}, :PayloadBinary) FROM DUAL",
                    [.. grain, ("GrainStateVersion", DbType.Int32, null), ("PayloadBinary", DbType.Binary, payload)]).ConfigureAwait(false);
                var read = await AskAsync(
                    "SELECT PayloadBinary FROM OrleansStorage WHERE GrainIdN0 = :GrainIdN0 AND GrainTypeString = CAST(:GrainTypeString AS VARCHAR2(2048))", [grain[1], grain[4]])
                    .ConfigureAwait(false);
                var second = await AskAsync($"SELECT OrleansWriteState({Grain}, :PayloadBinary) FROM DUAL",
                    [.. grain, ("GrainStateVersion", DbType.Int32, 1), ("PayloadBinary", DbType.Binary, null)]).ConfigureAwait(false);
                await AskAsync($"SELECT OrleansDeleteState({Grain}) FROM DUAL", [.. grain, ("GrainStateVersion", DbType.Int32, 2)]).ConfigureAwait(false);

                (string, DbType, object?)[] reminder = [("ServiceId", DbType.String, "KOR_VERIFY"), ("GrainId", DbType.String, "g/語"), ("ReminderName", DbType.String, "r")];
                await AskAsync(
                    "SELECT OrleansUpsertReminder(:ServiceId, :GrainId, :ReminderName, :StartTime, :Period, :GrainHash) FROM DUAL",
                    [.. reminder, ("StartTime", DbType.DateTime, start), ("Period", DbType.Int64, 60_000L), ("GrainHash", DbType.Int32, -1)]).ConfigureAwait(false);
                var at = await AskAsync(
                    "SELECT StartTime FROM OrleansRemindersTable WHERE ServiceId = CAST(:ServiceId AS VARCHAR2(600)) AND GrainId = CAST(:GrainId AS VARCHAR2(2400))", reminder[..2])
                    .ConfigureAwait(false);
                await AskAsync("SELECT OrleansDeleteReminders(:ServiceId) FROM DUAL", reminder[..1]).ConfigureAwait(false);

                var versions = $"versions {Text(first)} and {Text(second)}";
                var same = read is byte[] bytes && bytes.AsSpan().SequenceEqual(payload);
                return (Text(first) == "1" && Text(second) == "2" && same && at is DateTime time && time == start,
                    $"{versions}, a payload of 100,000 bytes came back {(same ? "as written" : "otherwise")}, a time as {Text(at)}");

                async Task<object?> AskAsync(string text, (string Name, DbType Type, object? Value)[] binds)
                {
                    await using var command = session.Command(text);
                    OracleDriver.Instance.Prepare(command, 0);
                    foreach (var bind in binds) command.Parameters.Add(Parameter(command, bind.Name, bind.Type, bind.Value));
                    var value = await command.ExecuteScalarAsync(token).ConfigureAwait(false);
                    return value is DBNull ? null : value;
                }
            },
            cancellation).ConfigureAwait(false);

        static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : "nothing";
    }

    private static DbParameter Parameter(DbCommand command, string name, DbType type, object? value)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = name;
        parameter.DbType = type;
        if (type == DbType.Binary) OracleDriver.Instance.SetType(parameter, OracleType.Blob);
        parameter.Value = value ?? DBNull.Value;
        return parameter;
    }
}
