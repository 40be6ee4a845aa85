using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Protocol.Waiting;
using KafkaOracleOrleans.Simulation.Engine;

namespace KafkaOracleOrleans.Simulation.World;

/// <summary>The tables of the sink database and its lanes.</summary>
internal sealed class SimTables
{
    public sealed class Lane
    {
        public long Epoch { get; set; }
        public long Progress { get; set; } = -1;
        public long Written { get; set; }
        public long Already { get; set; }
    }

    /// <summary>Per sink the rows: (partition, offset) to id.</summary>
    public Dictionary<string, Dictionary<(long Partition, long Offset), long>> Rows { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Lane> Lanes { get; } = new(StringComparer.Ordinal);

    /// <summary>What was wrong with a write; null: nothing so far.</summary>
    public string? Fault { get; set; }
}

/// <summary>Sinks as one place sees them, with the contract of <see cref="ISinkLane"/>: rows and progress in one transaction, under the lane's epoch.</summary>
internal sealed class SimSinks(SimTables tables, Scheduler scheduler, SimRandom random, Place place, StoreRates rates, Planted planted) : ISinkFactory
{
    public string? PlaceOf(string connection) => connection;

    public async Task PrepareAsync(SinkSpec spec, CancellationToken cancellation)
    {
        await BeginAsync(cancellation);
        if (random.Strikes(rates.Before / 8)) throw new SinkConfigurationException("There is no table for now.");
    }

    public Task<bool> HasRowsAsync(SinkSpec spec, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<LaneCounts?> CountsAsync(SinkSpec spec, string lane, CancellationToken cancellation) => throw new NotSupportedException();

    public async Task<ISinkLane> OpenAsync(SinkSpec spec, string lane, CancellationToken cancellation)
    {
        await BeginAsync(cancellation);
        var key = $"{spec.Sink}/{lane}";
        if (!tables.Lanes.TryGetValue(key, out var row)) tables.Lanes[key] = row = new SimTables.Lane();
        row.Epoch++;
        scheduler.Tell(place.Name, $"sink: opens {key}, epoch {row.Epoch}, progress {row.Progress}");
        var opened = new OpenLane(this, spec.Sink, key, row, new LaneLease(row.Epoch, row.Progress, 0));
        await EndAsync(cancellation);
        return opened;
    }

    private async Task BeginAsync(CancellationToken cancellation)
    {
        await place.Time.DelayAsync(Wait(), cancellation);
        if (scheduler.Now < rates.OutUntil || random.Strikes(rates.Before)) throw Failure("before", undone: random.Strikes(0.5));
    }

    private async Task EndAsync(CancellationToken cancellation)
    {
        if (random.Strikes(0.5)) await place.Time.DelayAsync(Wait(), cancellation);
        if (random.Strikes(rates.After)) throw Failure("after", undone: false);
    }

    private TimeSpan Wait() => TimeSpan.FromMilliseconds(random.Strikes(rates.Slow) ? random.Next(200, 25_000) : 1 + random.Next(4));

    private SinkUnavailableException Failure(string when, bool undone)
    {
        scheduler.Tell(place.Name, $"sink: fails {when} it acts");
        return new SinkUnavailableException($"The sink fails {when} it acts.") { IsUndone = undone };
    }

    private sealed class OpenLane(SimSinks sinks, string sink, string key, SimTables.Lane row, LaneLease lease) : ISinkLane
    {
        // What a write of unknown outcome would have brought the lane to.
        private long? _unknown;

        public LaneLease Lease => lease;

        public LaneCounts Counts => new(row.Written, row.Already, 0);

        public async Task<SinkWriteResult> WriteAsync(SinkWrite write, CancellationToken cancellation)
        {
            await sinks.BeginAsync(cancellation);
            // Before anything is repeated, the progress row says whether it happened.
            if (_unknown is { } unknown && row.Epoch == lease.Epoch && row.Progress >= unknown && unknown == write.Progress)
            {
                _unknown = null;
                return new SinkWriteResult(write.Rows.Count, 0);
            }

            _unknown = write.Progress;
            if (sinks.Planted == Planted.ProgressInAnotherTransaction)
            {
                row.Progress = write.Progress;
                await sinks.BeginAsync(cancellation);
            }

            var (written, already) = Commit(write);
            await sinks.EndAsync(cancellation);
            _unknown = null;
            return new SinkWriteResult(written, 0, already);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private (int Written, int Already) Commit(SinkWrite write)
        {
            if (row.Epoch != lease.Epoch && sinks.Planted != Planted.LaneNotFenced) throw new EpochFencedException(key, lease.Epoch);
            if (write.Progress < row.Progress) sinks.Tables.Fault ??= $"Lane {key} went back from {row.Progress} to {write.Progress}.";
            var rows = sinks.Tables.Rows.TryGetValue(sink, out var known) ? known : sinks.Tables.Rows[sink] = [];
            var (written, already) = (0, 0);
            for (var i = 0; i < write.Rows.Count; i++)
            {
                var (partition, offset, id) = (SinkRows.Value(write.Rows, 0, i), SinkRows.Value(write.Rows, 1, i), SinkRows.Value(write.Rows, 2, i));
                if (rows.TryAdd((partition, offset), id)) written++;
                else already++;
            }

            row.Progress = write.Progress;
            row.Written += written;
            row.Already += already;
            sinks.Scheduler.Tell(sinks.Place.Name, $"sink: {key} at {write.Progress}, {written} rows written, {already} there already");
            return (written, already);
        }
    }

    private Planted Planted => planted;

    private SimTables Tables => tables;

    private Scheduler Scheduler => scheduler;

    private Place Place => place;
}

/// <summary>Rows of the simulation's sinks.</summary>
internal static class SinkRows
{
    public static readonly Schema Schema = new(new Field("partition", FieldType.Integer), new Field("offset", FieldType.Integer), new Field("id", FieldType.Integer));

    public static long Value(RowBlock rows, int column, int row) => ((LongColumn)rows.Columns[column]).Values[row];

    public static RowBlock Of(int partition, IReadOnlyList<LogRecord> records)
    {
        var block = new RowBlock(Schema, records.Count) { Count = records.Count };
        foreach (var column in block.Columns) column.EnsureCapacity(records.Count);
        for (var i = 0; i < records.Count; i++)
        {
            ((LongColumn)block.Columns[0]).Set(i, partition);
            ((LongColumn)block.Columns[1]).Set(i, records[i].Offset);
            ((LongColumn)block.Columns[2]).Set(i, records[i].Id);
        }

        return block;
    }
}
