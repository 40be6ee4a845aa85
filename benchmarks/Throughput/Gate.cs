using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;
using Npgsql;

namespace KafkaOracleOrleans.Benchmarks.Throughput;

/// <summary>No match, no number.</summary>
internal static class Gate
{
    public static void CheckCounts(Expected expected, RecordCounts counts, int closing)
    {
        Check("consumed", expected.Records + closing, counts.Consumed);
        Check("duplicate", expected.Duplicates, counts.Duplicate);
        Check("late", expected.Late, counts.Late);
        Check("malformed", expected.Malformed, counts.Quarantined);
        Check("failing", expected.Failing, counts.Filtered);
        if (!counts.AddsUp) throw new InvalidOperationException($"The counts do not add up: {counts}");
    }

    public static async Task CheckRowsAsync(Dictionary<(int Key, long Start), Totals> windows, string connectionString)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "SELECT key, window_start, n, total, lowest, highest FROM w1_totals WHERE key <> 'closing'", connection) { CommandTimeout = 300 };
        await using var reader = await command.ExecuteReaderAsync();
        var rows = 0;
        while (await reader.ReadAsync())
        {
            rows++;
            var key = int.Parse(reader.GetString(0).AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture);
            var start = new DateTimeOffset(DateTime.SpecifyKind(reader.GetDateTime(1), DateTimeKind.Utc)).ToUnixTimeMilliseconds();
            if (!windows.TryGetValue((key, start), out var totals))
                throw new InvalidOperationException($"A row too many: {key} {start}.");
            var found = new Totals
            {
                Count = Convert.ToInt64(reader.GetValue(2), CultureInfo.InvariantCulture),
                SumCents = Cents(reader, 3),
                MinCents = Cents(reader, 4),
                MaxCents = Cents(reader, 5),
            };
            if (found.Count != totals.Count || found.SumCents != totals.SumCents
                || found.MinCents != totals.MinCents || found.MaxCents != totals.MaxCents)
            {
                throw new InvalidOperationException($"{key} {start}: expected {Text(totals)}, found {Text(found)}.");
            }
        }

        // No row too many and as many as expected: the primary key makes them all different.
        Check("rows", windows.Count, rows);
    }

    private static long Cents(NpgsqlDataReader reader, int column)
    {
        var cents = reader.GetDecimal(column) * 100;
        return decimal.IsInteger(cents) ? (long)cents : throw new InvalidOperationException($"{cents} is no whole number of cents.");
    }

    private static string Text(in Totals t) => string.Create(
        CultureInfo.InvariantCulture, $"count {t.Count}, sum {t.SumCents}, min {t.MinCents}, max {t.MaxCents}");

    private static void Check(string what, long expected, long found)
    {
        if (expected != found) throw new InvalidOperationException($"{what}: expected {expected}, found {found}.");
    }
}
