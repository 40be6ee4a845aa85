namespace KafkaOracleOrleans.Protocol.Shards;

/// <summary>
/// Closed windows that are durable and that their sinks have not all: an entry is here from the checkpoint that wrote it to the one that drops it, and is
/// dropped only once its sink has confirmed it. Entries of a sink that the pipeline no longer has are dropped with the next checkpoint.
/// </summary>
internal sealed class Outbox
{
    private readonly Dictionary<long, string> _entries = [];

    /// <summary>How many there are.</summary>
    public int Count => _entries.Count;

    /// <summary>An entry has become durable.</summary>
    public void Add(long sequence, string sink) => _entries[sequence] = sink;

    /// <summary>Entries whose drop has become durable.</summary>
    public void Drop(IEnumerable<long> sequences)
    {
        foreach (var sequence in sequences) _entries.Remove(sequence);
    }

    /// <summary>A term begins with what it reads.</summary>
    public void Clear() => _entries.Clear();

    /// <summary>What the next checkpoint may drop.</summary>
    /// <param name="confirmed">The progress a sink has confirmed: sequences below it are in its table. Null: the pipeline has no such sink.</param>
    public List<long> Confirmed(Func<string, long?> confirmed)
    {
        var done = new List<long>();
        foreach (var (sequence, sink) in _entries)
        {
            if (confirmed(sink) is not { } progress || sequence < progress) done.Add(sequence);
        }

        return done;
    }
}
