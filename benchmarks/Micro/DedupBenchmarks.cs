using BenchmarkDotNet.Attributes;
using KafkaOracleOrleans.Processing.Dedup;

namespace KafkaOracleOrleans.Benchmarks.Micro;

/// <summary>Claims of random ids, 2 % of them repeated, with a steady number of ids remembered; one operation is one claim.</summary>
[MemoryDiagnoser]
public class DedupBenchmarks
{
    private const int BatchRows = 5_000;
    private const int Batches = 40;
    private const long Within = 3_600_000;
    private readonly UInt128[] _ids = new UInt128[BatchRows];
    private readonly uint[] _bodies = new uint[BatchRows];
    private readonly long[] _times = new long[BatchRows];
    private readonly long[] _offsets = new long[BatchRows];
    private readonly bool[] _duplicate = new bool[BatchRows];
    private readonly int[] _all = [.. Enumerable.Range(0, BatchRows)];
    private DedupCell _cell = null!;
    private ulong _next;
    private DedupCounts _counts;

    [Params(10_000, 1_000_000)]
    public int Remembered { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _cell = new DedupCell(Within);
        for (var i = 0; i < 2 * Remembered; i += BatchRows) ClaimBatch();
        Console.WriteLine($"// {_cell.Count} ids, {(double)_cell.EstimatedBytes / _cell.Count:F1} bytes each");
    }

    [Benchmark(OperationsPerInvoke = BatchRows * Batches)]
    public void Claim()
    {
        for (var b = 0; b < Batches; b++) ClaimBatch();
    }

    private void ClaimBatch()
    {
        for (var i = 0; i < BatchRows; i++)
        {
            var n = _next++;
            var id = n % 50 == 0 && n > 1000 ? n - (n % 997) - 1 : n;
            _ids[i] = new UInt128(Mix(id), Mix(id + 0x1234567));
            _times[i] = (long)(n * (ulong)Within / (ulong)Remembered);
            _offsets[i] = (long)n;
        }

        _cell.Claim(BatchRows, _ids, _bodies, _times, _offsets, _all, _duplicate, ref _counts);
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9UL;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EBUL;
        return value ^ (value >> 31);
    }
}
