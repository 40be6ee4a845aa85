using System.Globalization;
using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.EndToEnd.Tests.Model;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>
/// Separate silo processes, Apache Kafka, PostgreSQL and kill -9. <c>KOR_E2E_RECORDS</c> and <c>KOR_E2E_KILLS</c> make the long version of it.
/// </summary>
public sealed class ExactlyOnceTests
{
    private static readonly long Start = new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Fact]
    public async Task Kills_of_the_silo_change_no_row_and_no_count()
    {
        SkipUnlessPossible();
        await using var stage = await OrdersStage.SetUpAsync();
        await using var silo = stage.Silo("one");
        var records = Setting("KOR_E2E_RECORDS", 150_000);
        var kills = Setting("KOR_E2E_KILLS", 5);
        using var stop = new CancellationTokenSource();
        var producing = new OrderLog(7, records, 2000, Start)
            .ProduceAsync(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions, stop.Token, records / 30);

        silo.Start();
        var random = new Random(11);
        for (var i = 0; i < kills; i++)
        {
            await Task.Delay(random.Next(3000, 7000), TestContext.Current.CancellationToken);
            await silo.KillAsync();
            silo.Start();
        }

        await producing;
        var model = OrderModel.Read(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions);
        var status = await stage.DrainAsync([silo], model, TimeSpan.FromMinutes(3));
        await stage.AssertEqualsAsync(model, status);
    }

    [Fact]
    public async Task Two_silos_with_kills_of_silos_broker_and_database_and_a_zombie_change_no_row_and_no_count()
    {
        SkipUnlessPossible();
        await using var stage = await OrdersStage.SetUpAsync();
        await using var one = stage.Silo("one", clustered: true);
        await using var two = stage.Silo("two", clustered: true);
        SiloProcess[] silos = [one, two];
        var records = Setting("KOR_E2E_RECORDS", 150_000);
        var rounds = Setting("KOR_E2E_KILLS", 5);
        using var stop = new CancellationTokenSource();
        var producing = new OrderLog(8, records, 2000, Start)
            .ProduceAsync(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions, stop.Token, records / 60);

        one.Start();
        two.Start();
        var random = new Random(12);
        for (var round = 0; round < rounds; round++)
        {
            await Task.Delay(random.Next(4000, 9000), TestContext.Current.CancellationToken);
            await DisturbAsync(stage, silos, round, random);
        }

        await producing;
        var model = OrderModel.Read(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions);
        var status = await stage.DrainAsync(silos, model, TimeSpan.FromMinutes(4));
        await stage.AssertEqualsAsync(model, status);
    }

    /// <summary>One fault a round, in turn: a silo, the database, a zombie, the broker, a silo again.</summary>
    private static async Task DisturbAsync(OrdersStage stage, SiloProcess[] silos, int round, Random random)
    {
        var silo = silos[random.Next(silos.Length)];
        switch (round % 5)
        {
            case 1:
                await stage.Postgres.KillAsync();
                await stage.Postgres.StartServerAsync();
                break;
            case 2:
                // Long enough to be declared dead; it wakes up as a zombie and its writes must fail.
                silo.Freeze(true);
                await Task.Delay(TimeSpan.FromSeconds(Setting("KOR_E2E_ZOMBIE_SECONDS", 20)));
                silo.Freeze(false);
                // It ends itself when it learns that it was declared dead; one that was not goes on as before.
                if (await silo.ExitsWithinAsync(TimeSpan.FromSeconds(30))) silo.Start();
                break;
            case 3:
                await stage.Kafka.KillAsync();
                await stage.Kafka.RestartAsync();
                break;
            default:
                await silo.KillAsync();
                silo.Start();
                break;
        }
    }

    private static int Setting(string name, int fallback) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : fallback;

    private static void SkipUnlessPossible()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
    }
}
