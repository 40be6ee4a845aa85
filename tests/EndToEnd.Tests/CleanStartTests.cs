using System.Text.RegularExpressions;
using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>What a start and a stop print when nothing is wrong.</summary>
public sealed partial class CleanStartTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_start_says_in_under_ten_lines_what_runs_where_and_a_stop_in_two(bool cluster)
    {
        Assert.SkipWhen(cluster && PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
        await using var postgres = cluster ? await PostgresCluster.StartAsync() : null;
        using var kafka = EmbeddedKafka.Start();
        kafka.CreateTopic("orders", 4);
        var folder = Directory.CreateTempSubdirectory("kor-clean-").FullName;
        try
        {
            var pipelines = Directory.CreateDirectory(Path.Combine(folder, "pipelines")).FullName;
            await File.WriteAllTextAsync(Path.Combine(pipelines, "totals.yaml"), Text, TestContext.Current.CancellationToken);
            var settings = new Dictionary<string, string>
            {
                ["Kor__Pipelines"] = pipelines,
                ["Kor__Kafka__main__BootstrapServers"] = kafka.BootstrapServers,
                ["Kor__Connections__state__Provider"] = cluster ? "PostgreSql" : "Sqlite",
                ["Kor__Connections__state__ConnectionString"] = postgres?.ConnectionString ?? $"Data Source={Path.Combine(folder, "state.db")}",
                ["Kor__State__Create"] = "true",
            };
            if (cluster) settings["Kor__Cluster__Connection"] = "state";
            await using var silo = new SiloProcess("clean", settings);
            silo.Start();
            var start = await LinesAsync(silo, "Next: ");
            Assert.InRange(start.Length, 5, 9);
            AssertNoTrouble(start);
            foreach (var what in new[] { "is up after", "Cluster: ", "Databases: ", "Kafka: main = ", $"API: {silo.Url}", "Pipelines: totals version 1 Running", "Next: kor list" })
                Assert.Single(start, l => l.Contains(what, StringComparison.Ordinal));

            if (cluster)
            {
                await using var second = new SiloProcess("clean-2", settings);
                second.Start();
                var joined = await LinesAsync(second, "Next: ");
                Assert.InRange(joined.Length, 5, 9);
                AssertNoTrouble(joined);
                Assert.Contains(joined, l => l.Contains("silos: 2", StringComparison.Ordinal));
                Assert.Equal(0, await second.TerminateAsync(Deadline));
                AssertNoTrouble(await LinesAsync(second, "Stopped in order."));
            }

            Assert.Equal(0, await silo.TerminateAsync(Deadline));
            var all = await LinesAsync(silo, "Stopped in order.");
            AssertNoTrouble(all);
            Assert.InRange(all.Length - start.Length, 2, cluster ? 6 : 2);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static void AssertNoTrouble(string[] lines)
    {
        var trouble = string.Join('\n', lines.Where(l => Trouble().IsMatch(l)));
        Assert.True(trouble.Length == 0, trouble);
    }

    private static async Task<string[]> LinesAsync(SiloProcess silo, string last) =>
        (await Eventually.GetAsync(
            () => Task.FromResult(silo.LogText), log => log.Contains(last, StringComparison.Ordinal), Deadline, log => $"no '{last}' in\n{log}"))!
        .Split('\n', StringSplitOptions.RemoveEmptyEntries);

    // Levels, and what a stack trace looks like.
    [GeneratedRegex(@"Z (WARNING|ERROR|CRITICAL) |^\s+at |warn:|fail:|Exception")]
    private static partial Regex Trouble();

    private const string Text = """
        apiVersion: kor/v1
        name: totals
        source:
          kafka: { connection: main, topics: [orders], start: earliest }
          format: json
          fields: { id: { type: string, required: true }, customer: { type: string, required: true }, at: timestamp }
          eventTime: { field: at, maxOutOfOrder: 1s, idleAfter: 2s }
        steps:
          - { id: unique, type: dedup, key: [id], within: 1h, grainPer: group(4) }
          - { id: totals, type: window, window: { tumbling: 5m }, groupBy: [customer], shards: 2, aggregates: { orders: count() } }
        sinks:
          - { id: sums, from: totals, connection: state, table: TOTALS, mode: upsert, create: true }
        """;
}
