using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Fuzz;

/// <summary>
/// Mutates a target's seeds for a while. It sees no coverage, unlike AFL, but needs nothing installed and repeats
/// exactly from its seed.
/// </summary>
internal sealed class MutationRun(string name, Action<byte[]> target, int seed)
{
    private const int MaxLength = 4096;
    private static readonly byte[] Interesting = "{}[]()\":,.-+eE0159\\un'`<>=%*/|&#!?~ \t\r\n\0\u007f"u8.ToArray();
    private readonly Random _random = new(seed);

    /// <summary>True when nothing was found.</summary>
    public bool For(TimeSpan span)
    {
        var seeds = FuzzSeeds.For(name);
        var clock = Stopwatch.StartNew();
        long runs = 0;
        while (clock.Elapsed < span)
        {
            var input = runs < seeds.Count ? seeds[(int)runs] : Mutate(seeds);
            runs++;
            var started = clock.Elapsed;
            if (!Holds(input)) return false;
            if (clock.Elapsed - started > TimeSpan.FromSeconds(5))
                return Report(input, $"took {clock.Elapsed - started}");
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
                $"{name}: {runs} inputs in {clock.Elapsed.TotalSeconds:F0} s, nothing found (seed {seed})"));
        return true;
    }

    private bool Holds(byte[] input)
    {
        try
        {
            target(input);
            return true;
        }
        catch (Exception e)
        {
            return Report(input, e.ToString());
        }
    }

    private bool Report(byte[] input, string what)
    {
        var file = Path.Combine(Path.GetTempPath(),
            $"fuzz-{name}-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(input))[..12]}");
        File.WriteAllBytes(file, input);
        Console.WriteLine($"{name}: {what}\nseed {seed}, input in {file}: {Encoding.UTF8.GetString(input.AsSpan(0, Math.Min(200, input.Length)))}");
        return false;
    }

    private byte[] Mutate(IReadOnlyList<byte[]> seeds)
    {
        var bytes = new List<byte>(seeds[_random.Next(seeds.Count)]);
        for (var i = _random.Next(1, 8); i > 0; i--)
        {
            var at = _random.Next(bytes.Count + 1);
            switch (_random.Next(7))
            {
                case 0:
                    bytes.Insert(at, (byte)_random.Next(256));
                    break;
                case 1:
                    bytes.Insert(at, Interesting[_random.Next(Interesting.Length)]);
                    break;
                case 2 when at < bytes.Count:
                    bytes[at] = _random.Next(2) == 0
                        ? (byte)(bytes[at] ^ (1 << _random.Next(8))) : Interesting[_random.Next(Interesting.Length)];
                    break;
                case 3 when at < bytes.Count:
                    bytes.RemoveRange(at, Math.Min(_random.Next(1, 9), bytes.Count - at));
                    break;
                case 4:
                    Splice(bytes, at, seeds[_random.Next(seeds.Count)]);
                    break;
                case 5 when at < bytes.Count:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(_random.Next(1, 40), bytes.Count - at)));
                    break;
                default:
                    if (at < bytes.Count) bytes[at] = (byte)_random.Next(256);
                    break;
            }
        }

        if (bytes.Count > MaxLength) bytes.RemoveRange(MaxLength, bytes.Count - MaxLength);
        return [.. bytes];
    }

    private void Splice(List<byte> bytes, int at, byte[] other)
    {
        if (other.Length == 0) return;
        var from = _random.Next(other.Length);
        bytes.InsertRange(at, other.AsSpan(from, _random.Next(other.Length - from + 1)));
    }
}
