using KafkaOracleOrleans.Processing.Proof;

namespace KafkaOracleOrleans.Processing.Tests.Proof;

/// <summary>What a proof keeps, in memory: lists that are sorted when they are read.</summary>
internal sealed class MemoryProofFile : IProofFile
{
    private static readonly Comparer<byte[]> Bytes = Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b));

    private readonly List<(string Step, WindowEntry Entry)> _windows = [];
    private readonly List<(string Sink, RowEntry Entry)> _rows = [];
    private readonly List<(string Step, UInt128 Id, int Source, long Offset)> _ids = [];
    private readonly List<(string Step, int Source, IdClaim Claim)> _claims = [];
    private readonly List<(string Sink, ExpectedRow Row)> _expected = [];
    private readonly List<(string Sink, FoundRow Row)> _found = [];

    public Dictionary<(int Source, long Offset), string> Doubts { get; } = [];

    public int Moved => _claims.Count;

    public void Add(string step, WindowEntry entry) => _windows.Add((step, entry));

    public void Add(string sink, RowEntry entry) => _rows.Add((sink, entry));

    public void Doubt(int source, long offset, string reason) => Doubts.TryAdd((source, offset), reason);

    public void AddId(string step, UInt128 id, int source, long offset) => _ids.Add((step, id, source, offset));

    public void DoubtSharedIds(string reason)
    {
        foreach (var id in _ids.GroupBy(i => (i.Step, i.Id)).Where(g => g.Count() > 1).SelectMany(g => g)) Doubt(id.Source, id.Offset, reason);
    }

    public void KeepClaims(string step, int source, IEnumerable<IdClaim> claims) => _claims.AddRange(claims.Select(c => (step, source, c)));

    public IReadOnlyList<IdClaim> FindClaims(string step, int source, UInt128 id, ulong route) =>
        [.. _claims.Where(c => c.Step == step && c.Source == source && c.Claim.Id == id && c.Claim.Route == route).Select(c => c.Claim)];

    public IEnumerable<WindowEntry> Windows(string step) => _windows.Where(w => w.Step == step).Select(w => w.Entry with { Doubt = Why(w.Entry.Source, w.Entry.Offset) })
        .OrderBy(e => e.Key, Bytes).ThenBy(e => e.Start).ThenBy(e => e.Time).ThenBy(e => e.Offset).ThenBy(e => e.Source).ToList();

    public IEnumerable<RowEntry> Rows(string sink) => _rows.Where(r => r.Sink == sink).Select(r => r.Entry with { Doubt = Why(r.Entry.Source, r.Entry.Offset) })
        .OrderBy(e => e.Key, Bytes).ThenBy(e => e.Source).ThenBy(e => e.Offset).ThenBy(e => e.Place).ToList();

    public void Expect(string sink, ExpectedRow row) => _expected.Add((sink, row));

    public void Found(string sink, FoundRow row) => _found.Add((sink, row));

    public void ForgetFound() => _found.Clear();

    public void ForgetExpected() => _expected.Clear();

    public IEnumerable<KeyedPair> Pairs(string sink)
    {
        var expected = _expected.Where(e => e.Sink == sink).ToDictionary(e => Convert.ToHexString(e.Row.Key), e => e.Row);
        var found = _found.Where(f => f.Sink == sink).ToLookup(f => Convert.ToHexString(f.Row.Key), f => f.Row);
        foreach (var key in expected.Keys.Union(found.Select(f => f.Key)).Order(StringComparer.Ordinal))
            yield return new KeyedPair(expected.GetValueOrDefault(key), [.. found[key]]);
    }

    private string? Why(int source, long offset) => Doubts.GetValueOrDefault((source, offset));
}
