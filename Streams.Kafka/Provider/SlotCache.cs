using System.Diagnostics.CodeAnalysis;
using KafkaOracleOrleans.Streams.Kafka.Reading;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka.Provider;

/// <summary>
/// What a slot's agent has taken and not delivered yet: a short queue per stream, so that a slow stream holds nobody
/// else back and every step costs the same however much is cached. Memory is bounded where batches are handed out
/// (<see cref="PartitionReader"/>), so this cache is never under pressure. Used by one agent, one thread at a time.
/// </summary>
internal sealed class SlotCache(ReaderContext context) : IQueueCache
{
    private const int MaxAdd = 1024;
    private readonly Dictionary<StreamId, StreamCache> _streams = [];

    public int GetMaxAddCount() => MaxAdd;

    public bool IsUnderPressure() => false;

    public void AddToCache(IList<IBatchContainer> messages)
    {
        foreach (var message in messages)
        {
            var container = (KafkaBatchContainer)message;
            GetStream(container.StreamId).Add(container);
        }
    }

    /// <summary>Batches go back to their reader as soon as they are passed; there is nothing to tell Orleans.</summary>
    public bool TryPurgeFromCache([MaybeNullWhen(false)] out IList<IBatchContainer> purgedItems)
    {
        purgedItems = null;
        return false;
    }

    public IQueueCacheCursor GetCacheCursor(StreamId streamId, StreamSequenceToken? token) =>
        GetStream(streamId).OpenCursor();

    internal void PutBack(PartitionReader reader, List<KafkaBatchContainer> containers)
    {
        context.Metrics.Redelivered(reader.Id, containers.Count);
        ReaderLog.PutBack(context.Logger, reader.Id.ToString());
        reader.PutBack(containers, failures => Backoff.Next(failures, context.Options));
    }

    private StreamCache GetStream(StreamId streamId)
    {
        if (!_streams.TryGetValue(streamId, out var stream))
            _streams.Add(streamId, stream = new StreamCache(this));
        return stream;
    }
}

/// <summary>One stream's batches in order, numbered as they came; cursors are numbers.</summary>
internal sealed class StreamCache(SlotCache owner)
{
    private readonly LinkedList<Entry> _entries = [];
    private readonly List<Cursor> _cursors = [];
    private long _nextNumber;

    public void Add(KafkaBatchContainer container) => _entries.AddLast(new Entry(_nextNumber++, container));

    /// <summary>Begins at the oldest batch not yet processed: sequence tokens of subscribers are not used.</summary>
    public Cursor OpenCursor()
    {
        var cursor = new Cursor(this, _entries.First?.Value.Number ?? _nextNumber);
        _cursors.Add(cursor);
        return cursor;
    }

    /// <summary>Gives back what all cursors have passed; without a cursor everything stays.</summary>
    public void Purge()
    {
        if (_cursors.Count == 0)
            return;
        var done = long.MaxValue;
        foreach (var cursor in _cursors)
            done = Math.Min(done, cursor.Done);
        while (_entries.First is { } first && first.Value.Number < done)
        {
            _entries.RemoveFirst();
            Complete(first.Value.Container);
        }
    }

    private Entry? FindFrom(long number)
    {
        for (var node = _entries.First; node is not null; node = node.Next)
        {
            if (node.Value.Number >= number)
                return node.Value;
        }

        return null;
    }

    private static void Complete(KafkaBatchContainer container) => container.Reader?.Complete(container);

    private void PutBackFrom(long number)
    {
        var back = new List<KafkaBatchContainer>();
        while (_entries.Last is { } last && last.Value.Number >= number)
        {
            _entries.RemoveLast();
            back.Add(last.Value.Container);
        }

        back.Reverse();
        if (back.Count > 0 && back[0].Reader is { } reader)
            owner.PutBack(reader, back);
    }

    private readonly record struct Entry(long Number, KafkaBatchContainer Container);

    /// <summary>A subscriber's place in the stream. It passes a batch only after its delivery succeeded.</summary>
    internal sealed class Cursor(StreamCache stream, long start) : IQueueCacheCursor
    {
        private KafkaBatchContainer? _current;
        private long _currentNumber = -1;

        /// <summary>All batches below this number are processed.</summary>
        public long Done { get; private set; } = start;

        public IBatchContainer? GetCurrent(out Exception? exception)
        {
            exception = null;
            return _current;
        }

        public bool MoveNext()
        {
            if (_current is not null)
                Pass();
            while (stream.FindFrom(Done) is { } entry)
            {
                _current = entry.Container;
                _currentNumber = entry.Number;
                if (!_current.IsStale)
                    return true;
                Pass();
            }

            return false;
        }

        public void Refresh(StreamSequenceToken token)
        {
        }

        /// <summary>The agent gave up on the batch. It and what follows goes back to be offered again, later.</summary>
        public void RecordDeliveryFailure()
        {
            if (_current is null)
                return;
            _current = null;
            stream.PutBackFrom(_currentNumber);
        }

        public void Dispose()
        {
            stream._cursors.Remove(this);
            stream.Purge();
        }

        private void Pass()
        {
            _current = null;
            Done = _currentNumber + 1;
            stream.Purge();
        }
    }
}
