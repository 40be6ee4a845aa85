using System.Diagnostics;
using System.Globalization;
using KafkaOracleOrleans.Simulation;
using KafkaOracleOrleans.Simulation.World;

// run [--seconds N] [--seed FIRST] [--workers N] [--planted NAME]: seeds from FIRST on (printed; by chance when not given) until the time is over or one fails.
// replay SEED [--planted NAME] [--as-it-is]: the history of a seed; of a failing one, of the smallest world in which it fails.
var options = args.Skip(1).ToArray();
var planted = Option("--planted") is { } name ? Enum.Parse<Planted>(name) : Planted.None;
switch (args.FirstOrDefault())
{
    case "run":
        return Search();
    case "replay" when args.Length > 1 && ulong.TryParse(args[1], NumberStyles.None, CultureInfo.InvariantCulture, out var seed):
        return Replay(seed);
    default:
        Console.Error.WriteLine("Usage: run [--seconds 60] [--seed FIRST] [--workers N] [--planted NAME] | replay SEED [--planted NAME] [--as-it-is]");
        return 2;
}

int Search()
{
    var seconds = double.Parse(Option("--seconds") ?? "60", CultureInfo.InvariantCulture);
    var first = ulong.Parse(Option("--seed") ?? (DateTime.UtcNow.Ticks / 1000).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    var workers = int.Parse(Option("--workers") ?? Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"simulation: from seed {first}, {workers} workers, {seconds:0} s"));
    var (watch, next, runs, steps) = (Stopwatch.StartNew(), (long)first - 1, 0L, 0L);
    Outcome? failing = null;
    var threads = Enumerable.Range(0, workers).Select(_ => new Thread(Work)).ToArray();
    foreach (var thread in threads) thread.Start();
    foreach (var thread in threads) thread.Join();
    var took = watch.Elapsed.TotalSeconds;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{runs} seeds in {took:0.0} s: {runs / took / workers:0} a second and worker, {(double)steps / Math.Max(1, runs):0} events each"));
    return failing is null ? 0 : Tell(failing);

    void Work()
    {
        while (watch.Elapsed.TotalSeconds < seconds && Volatile.Read(ref failing) is null)
        {
            var outcome = Run.Execute((ulong)Interlocked.Increment(ref next), planted);
            Interlocked.Increment(ref runs);
            Interlocked.Add(ref steps, outcome.Steps);
            if (outcome.Fault is not null) Interlocked.CompareExchange(ref failing, outcome, null);
        }
    }
}

int Replay(ulong seed)
{
    var outcome = Run.Execute(seed, planted, record: true);
    if (outcome.Fault is not null && !options.Contains("--as-it-is")) return Tell(outcome);
    foreach (var line in outcome.History) Console.WriteLine(line);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {outcome.Fault ?? "right"} ({outcome.Steps} events, {outcome.Elapsed.TotalSeconds:0} s of virtual time, {outcome.Size})"));
    return outcome.Fault is null ? 0 : 1;
}

int Tell(Outcome failing)
{
    var smallest = Shrinker.Shrink(failing, planted);
    foreach (var line in smallest.History) Console.WriteLine(line);
    Console.WriteLine($"seed {failing.Seed}: {failing.Fault}");
    Console.WriteLine($"smallest world: {smallest.Size}: {smallest.Fault}");
    Console.WriteLine($"again: dotnet run --project tests/Simulation -- replay {failing.Seed}{(planted == Planted.None ? "" : " --planted " + planted)}");
    return 1;
}

string? Option(string name)
{
    var at = Array.IndexOf(options, name);
    return at >= 0 && at + 1 < options.Length ? options[at + 1] : null;
}
