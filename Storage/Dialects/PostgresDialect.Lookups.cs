using System.Data.Common;
using System.Globalization;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>Lookups and reading of values.</content>
internal sealed partial class PostgresDialect
{
    public override string Place(int index) => string.Create(CultureInfo.InvariantCulture, $"${index + 1}");

    public override bool ConvertsLookupKeys => true;

    /// <summary>A padded text without its blanks, as records have it.</summary>
    public override string SelectText(LookupColumn column) =>
        column.CastTo == LookupColumn.Padded ? $"{column.Quoted}::text AS {column.Quoted}" : column.Quoted;

    public override string LookupText(LookupTable table, int keys)
    {
        var arrays = string.Join(", ", table.Keys.Select((k, i) => string.Create(
            CultureInfo.InvariantCulture, $"${i + 1}::{ArrayType(ColumnBinds.TypeOf(k.Type))}[]")));
        var names = string.Join(", ", table.Keys.Select((_, i) => $"c{i}"));
        var matches = string.Join(" AND ", table.Keys.Select((k, i) => k.CastTo is null ? $"t.{k.Quoted} = u.c{i}" : $"t.{k.Quoted} = u.c{i}::{k.CastTo}"));
        var values = string.Concat(table.Values.Select(v => $", t.{v.Quoted}"));
        return $"SELECT u.place{values} FROM unnest({arrays}) WITH ORDINALITY AS u({names}, place) "
            + $"JOIN {table.Quoted} t ON {matches}";
    }

    public override async Task LookupAsync(
        DbSession session, LookupTable table, RowBlock keys, int[] rows, Action<int, DbDataReader, int> take,
        CancellationToken cancellation)
    {
        await using var command = session.Command(LookupText(table, rows.Length));
        for (var i = 0; i < table.Keys.Length; i++)
        {
            var binds = new ColumnBinds(keys.Columns[i], ColumnBinds.TypeOf(table.Keys[i].Type));
            command.Parameters.Add(ArrayOf(binds, rows));
        }

        await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
            take(rows[checked((int)reader.GetInt64(0) - 1)], reader, 1);
    }

    /// <summary>2000-01-01, from which the server counts, in days since 1970-01-01.</summary>
    private const long EpochDays = 10_957;

    private const long DayMicroseconds = 86_400_000_000;
    private const uint DateOid = 1082;
    private const uint TimestampOid = 1114;
    private const uint TimestampTzOid = 1184;

    /// <summary>
    /// Times go over the wire as the server's own numbers: Npgsql's conversion makes infinity of the first and the
    /// last moment of the calendar.
    /// </summary>
    private static long ToServer(long microseconds) => checked(microseconds - (EpochDays * DayMicroseconds));

    public override long ReadTimestamp(DbDataReader reader, int ordinal)
    {
        var postgres = (Npgsql.NpgsqlDataReader)reader;
        return postgres.GetDataTypeOID(ordinal) switch
        {
            TimestampOid or TimestampTzOid => ReadMicroseconds(postgres, ordinal),
            DateOid => ReadDays(postgres, ordinal) * DayMicroseconds,
            _ => base.ReadTimestamp(reader, ordinal),
        };
    }

    protected override long ReadDate(DbDataReader reader, int ordinal)
    {
        var postgres = (Npgsql.NpgsqlDataReader)reader;
        return postgres.GetDataTypeOID(ordinal) switch
        {
            DateOid => ReadDays(postgres, ordinal),
            TimestampOid or TimestampTzOid => (long)Math.Floor(ReadMicroseconds(postgres, ordinal) / (decimal)DayMicroseconds),
            _ => base.ReadDate(reader, ordinal),
        };
    }

    private static long ReadMicroseconds(Npgsql.NpgsqlDataReader reader, int ordinal)
    {
        var value = reader.GetFieldValue<long>(ordinal);
        if (value is long.MaxValue or long.MinValue) throw NoTime("infinity");
        var least = ToServer(BindTime.FromUtc(DateTime.MinValue));
        var most = ToServer(BindTime.FromUtc(DateTime.MaxValue));
        return value >= least && value <= most ? value + (EpochDays * DayMicroseconds) : throw NoTime("it");
    }

    private static long ReadDays(Npgsql.NpgsqlDataReader reader, int ordinal)
    {
        var value = reader.GetFieldValue<int>(ordinal);
        if (value is int.MaxValue or int.MinValue) throw NoTime("infinity");
        var days = value + EpochDays;
        return days >= BindTime.FromDate(DateOnly.MinValue) && days <= BindTime.FromDate(DateOnly.MaxValue) ? days : throw NoTime("it");
    }

    private static OverflowException NoTime(string what) => new($"{what} lies outside the years 1 to 9999");
}
