using System.Globalization;

namespace KafkaOracleOrleans.EndToEnd.Tests.Harness;

/// <summary>What is done to a cluster at work.</summary>
public enum Fault
{
    /// <summary>kill -9 of a random silo, which is started again.</summary>
    Silo,

    /// <summary>kill -9 of the broker.</summary>
    Broker,

    /// <summary>kill -9 of PostgreSQL.</summary>
    Database,

    /// <summary>SIGSTOP of a random silo until it is declared dead, then SIGCONT.</summary>
    Zombie,
}

/// <summary>
/// The faults of an end-to-end run, in a random order that the seed fixes. Without settings it is the short run of CI: one fault of each kind and a
/// second silo, on 150,000 records. <c>KOR_E2E_LONG=1</c>: 30 silos, 5 brokers, 5 databases and 5 zombies of 90 s, on 5 million. Any
/// number can be set on its own: <c>KOR_E2E_RECORDS, _SILOS, _BROKERS, _DATABASES, _ZOMBIES, _ZOMBIE_SECONDS, _SEED</c>. <c>KOR_E2E_ACROSS=1</c>:
/// duplicates come to other partitions, and dedup has <c>scope: global</c>.
/// </summary>
public sealed record FaultPlan(int Records, IReadOnlyList<Fault> Faults, TimeSpan ZombieTime, int Seed, bool AcrossPartitions)
{
    // Between two faults pass 4 to 9 s, and a broker or database takes some to start again.
    private const double SecondsPerFault = 9;

    /// <summary>The pace at which the log is written, so that it lasts as long as the faults.</summary>
    public int RecordsPerSecond =>
        (int)(Records / ((Faults.Count * SecondsPerFault) + (Faults.Count(f => f == Fault.Zombie) * ZombieTime.TotalSeconds)));

    public static FaultPlan FromEnvironment()
    {
        var isLong = Setting("LONG", 0) != 0;
        var seed = Setting("SEED", 12);
        Fault[] faults =
        [
            .. Enumerable.Repeat(Fault.Silo, Setting("SILOS", isLong ? 30 : 2)),
            .. Enumerable.Repeat(Fault.Broker, Setting("BROKERS", isLong ? 5 : 1)),
            .. Enumerable.Repeat(Fault.Database, Setting("DATABASES", isLong ? 5 : 1)),
            .. Enumerable.Repeat(Fault.Zombie, Setting("ZOMBIES", isLong ? 5 : 1)),
        ];
        new Random(seed).Shuffle(faults);
        var zombie = TimeSpan.FromSeconds(Setting("ZOMBIE_SECONDS", isLong ? 90 : 20));
        return new FaultPlan(Setting("RECORDS", isLong ? 5_000_000 : 150_000), faults, zombie, seed, Setting("ACROSS", 0) != 0);
    }

    public override string ToString() =>
        $"{Records} records; {string.Join(", ", Faults.GroupBy(f => f).Select(g => $"{g.Count()} x {g.Key}"))}; "
        + $"zombies of {ZombieTime.TotalSeconds} s; seed {Seed}; duplicates {(AcrossPartitions ? "across partitions" : "within a partition")}";

    private static int Setting(string name, int fallback) =>
        int.TryParse(Environment.GetEnvironmentVariable($"KOR_E2E_{name}"), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : fallback;
}
