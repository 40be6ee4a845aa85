using System.Diagnostics;
using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.EndToEnd.Tests.Model;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>
/// Separate silo processes, Apache Kafka, PostgreSQL and kill -9. <c>KOR_E2E_LONG=1</c> makes the long version of it: see <see cref="FaultPlan"/>.
/// </summary>
public sealed class ExactlyOnceTests
{
    private static readonly long Start = new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Fact]
    public async Task Kills_of_the_silo_change_no_row_and_no_count_when_ids_repeat_across_partitions()
    {
        SkipUnlessPossible();
        await using var stage = await OrdersStage.SetUpAsync(OrdersStage.AcrossPartitions);
        await using var silo = stage.Silo("one");
        const int records = 150_000;
        const int kills = 5;
        using var stop = new CancellationTokenSource();
        var producing = new OrderLog(7, records, 2000, Start, acrossPartitions: true)
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
        var model = OrderModel.Read(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions, acrossPartitions: true);
        var status = await stage.DrainAsync([silo], model, TimeSpan.FromMinutes(3));
        await stage.AssertEqualsAsync(model, status);
    }

    [Fact]
    public async Task Two_silos_with_kills_of_silos_broker_and_database_and_zombies_change_no_row_and_no_count()
    {
        SkipUnlessPossible();
        var plan = FaultPlan.FromEnvironment();
        await using var stage = await OrdersStage.SetUpAsync(plan.AcrossPartitions ? OrdersStage.AcrossPartitions : null);
        await using var one = stage.Silo("one", clustered: true);
        await using var two = stage.Silo("two", clustered: true);
        SiloProcess[] silos = [one, two];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var log = new OrderLog(8, plan.Records, 2000, Start, plan.AcrossPartitions);
        // Traffic flows as long as faults are made, so that each of them meets work.
        var producing = log.ProduceAsync(
            stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions, stop.Token, plan.RecordsPerSecond);

        one.Start();
        two.Start();
        var random = new Random(plan.Seed);
        Tell($"{plan}");
        var clock = Stopwatch.StartNew();
        var number = 0;
        foreach (var fault in plan.Faults)
        {
            await Task.Delay(random.Next(4000, 9000), stop.Token);
            var silo = silos[random.Next(silos.Length)];
            // Only a member that others know can be taken for dead by them.
            if (fault == Fault.Zombie) await WaitForMembersAsync(stage, silos);
            var what = await DisturbAsync(stage, silo, fault, plan.ZombieTime);
            Tell($"{clock.Elapsed:hh\\:mm\\:ss} {++number}/{plan.Faults.Count} {what}; {log.Produced} records produced");
        }

        await producing;
        var model = OrderModel.Read(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions, plan.AcrossPartitions);
        var status = await stage.DrainAsync(silos, model, TimeSpan.FromMinutes(plan.Records > 1_000_000 ? 10 : 4));
        Tell($"{clock.Elapsed:hh\\:mm\\:ss} drained: {status.Counts}");
        await stage.AssertEqualsAsync(model, status);
        Tell($"{model.Windows.Count} windows and all counts equal the model's");
    }

    [Fact]
    public async Task A_rolling_restart_under_load_and_a_killed_database_lose_nothing()
    {
        SkipUnlessPossible();
        const int records = 150_000;
        await using var stage = await OrdersStage.SetUpAsync();
        await using var one = stage.Silo("one", clustered: true);
        await using var two = stage.Silo("two", clustered: true);
        SiloProcess[] silos = [one, two];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var producing = new OrderLog(9, records, 2000, Start)
            .ProduceAsync(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions, stop.Token, records / 40);
        one.Start();
        await stage.WaitAsync(one, s => s.Counts.Consumed > 1000);

        two.Start();
        await WaitForMembersAsync(stage, silos);
        foreach (var silo in silos)
        {
            var other = silo == one ? two : one;
            var clock = Stopwatch.StartNew();
            Assert.Equal(0, await silo.TerminateAsync(TimeSpan.FromSeconds(60)));
            Tell($"silo {silo.Name} ended in {clock.Elapsed.TotalSeconds:0.0} s");
            var before = (await stage.WaitAsync(other, s => s.State == PartState.Running)).Counts.Consumed;
            await stage.WaitAsync(other, s => s.Counts.Consumed > before || s.Counts.Consumed >= records);
            silo.Start();
            await stage.WaitAsync(silo, s => s.State == PartState.Running);
        }

        await stage.Postgres.KillAsync();
        await stage.Postgres.StartServerAsync();
        Npgsql.NpgsqlConnection.ClearAllPools();

        await producing;
        var model = OrderModel.Read(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions);
        var status = await stage.DrainAsync(silos, model, TimeSpan.FromMinutes(3));
        await stage.AssertEqualsAsync(model, status);
    }

    /// <summary>A silo answers when it is a member of the cluster.</summary>
    private static async Task WaitForMembersAsync(OrdersStage stage, SiloProcess[] silos)
    {
        foreach (var silo in silos) await stage.WaitAsync(silo, s => s.State == PartState.Running);
    }

    private static async Task<string> DisturbAsync(OrdersStage stage, SiloProcess silo, Fault fault, TimeSpan zombieTime)
    {
        switch (fault)
        {
            case Fault.Database:
                await stage.Postgres.KillAsync();
                await stage.Postgres.StartServerAsync();
                // The tests' own pooled connections died with the server.
                Npgsql.NpgsqlConnection.ClearAllPools();
                return "PostgreSQL killed";
            case Fault.Broker:
                await stage.Kafka.KillAsync();
                await stage.Kafka.RestartAsync();
                return "broker killed";
            case Fault.Zombie:
                // Long enough to be declared dead; it wakes up as a zombie and its writes must fail.
                silo.Freeze(true);
                await Task.Delay(zombieTime);
                // Active is 3 in Orleans' membership table.
                await Eventually.GetAsync(
                    () => stage.TryCountAsync($"SELECT count(*) FROM OrleansMembershipTable WHERE Port = {silo.SiloPort} AND Status = 3"),
                    active => active == 0, TimeSpan.FromSeconds(120), active => $"{active} active entries of the frozen silo {silo.Name}");
                silo.Freeze(false);
                // It ends itself when it learns that it was declared dead.
                Assert.True(
                    await silo.ExitsWithinAsync(TimeSpan.FromSeconds(60)),
                    $"Silo {silo.Name} was frozen for {zombieTime} and not taken for dead.\n{silo.LogText[^Math.Min(6000, silo.LogText.Length)..]}");
                silo.Start();
                return $"silo {silo.Name} frozen, declared dead and started again";
            default:
                await silo.KillAsync();
                silo.Start();
                return $"silo {silo.Name} killed";
        }
    }

    private static void Tell(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);

    private static void SkipUnlessPossible()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
    }
}
