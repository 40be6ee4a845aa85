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

    public static async Task CheckRowsAsync(Expected expected, string connectionString)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "SELECT key, window_start, n, total, lowest, highest FROM w1_totals WHERE key <> 'closing'", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = 0;
        while (await reader.ReadAsync())
        {
            rows++;
            var key = int.Parse(reader.GetString(0).AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture);
            var start = new DateTimeOffset(DateTime.SpecifyKind(reader.GetDateTime(1), DateTimeKind.Utc)).ToUnixTimeMilliseconds();
            if (!expected.Windows.TryGetValue((key, start), out var totals))
                throw new InvalidOperationException($"A row too many: {key} {start}.");
            Check($"count of {key} {start}", totals.Count, Convert.ToInt64(reader.GetValue(2), CultureInfo.InvariantCulture));
            Check($"sum of {key} {start}", totals.SumCents, (long)(reader.GetDecimal(3) * 100));
            Check($"min of {key} {start}", totals.MinCents, (long)(reader.GetDecimal(4) * 100));
            Check($"max of {key} {start}", totals.MaxCents, (long)(reader.GetDecimal(5) * 100));
        }

        Check("rows", expected.Windows.Count, rows);
    }

    private static void Check(string what, long expected, long found)
    {
        if (expected != found) throw new InvalidOperationException($"{what}: expected {expected}, found {found}.");
    }
}
