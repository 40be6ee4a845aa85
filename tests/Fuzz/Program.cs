using System.Globalization;
using KafkaOracleOrleans.Fuzz;
using SharpFuzz;

// fuzz run [--seconds N | --total N] [--seed N] [TARGET...]   mutates the corpus for N seconds per target (default 10), or
// for N seconds in all; exit code 1 and a file on a finding
// fuzz once TARGET FILE                           one input, to look at a finding
// fuzz afl TARGET                                 under afl-fuzz, with Processing instrumented by sharpfuzz
// fuzz libfuzzer TARGET                           under libfuzzer-dotnet, likewise
var targets = FuzzTargets.All;
switch (args)
{
    case ["once", var name, var file] when targets.TryGetValue(name, out var target):
        target(File.ReadAllBytes(file));
        return 0;
    case ["afl", var name] when targets.TryGetValue(name, out var target):
        Fuzzer.OutOfProcess.Run(stream => target(ReadAll(stream)));
        return 0;
    case ["libfuzzer", var name] when targets.TryGetValue(name, out var target):
        Fuzzer.LibFuzzer.Run(span => target(span.ToArray()));
        return 0;
    case ["run", ..]:
        return Run(args[1..]);
    default:
        Console.Error.WriteLine($"Usage: fuzz run [--seconds N | --total N] [--seed N] [TARGET...] | once TARGET FILE | afl TARGET | libfuzzer TARGET");
        Console.Error.WriteLine($"Targets: {string.Join(", ", targets.Keys)}");
        return 64;
}

int Run(string[] options)
{
    var span = TimeSpan.FromSeconds(10);
    TimeSpan? total = null;
    var seed = Environment.TickCount;
    var names = new List<string>();
    for (var i = 0; i < options.Length; i++)
    {
        if (options[i] == "--seconds") span = TimeSpan.FromSeconds(int.Parse(options[++i], CultureInfo.InvariantCulture));
        else if (options[i] == "--total") total = TimeSpan.FromSeconds(int.Parse(options[++i], CultureInfo.InvariantCulture));
        else if (options[i] == "--seed") seed = int.Parse(options[++i], CultureInfo.InvariantCulture);
        else names.Add(options[i]);
    }

    foreach (var name in names.Where(n => !targets.ContainsKey(n)))
    {
        Console.Error.WriteLine($"There is no target '{name}'. Targets: {string.Join(", ", targets.Keys)}");
        return 64;
    }

    var chosen = targets.Where(t => names.Count == 0 || names.Contains(t.Key)).ToList();
    if (total is { } all) span = all / chosen.Count;
    var failed = 0;
    foreach (var (name, target) in chosen) failed += new MutationRun(name, target, seed).For(span) ? 0 : 1;
    return failed == 0 ? 0 : 1;
}

static byte[] ReadAll(Stream stream)
{
    using var copy = new MemoryStream();
    stream.CopyTo(copy);
    return copy.ToArray();
}
