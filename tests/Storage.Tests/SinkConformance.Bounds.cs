using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Storage.Quarantine;

namespace KafkaOracleOrleans.Storage.Tests;

/// <content>What the bound of a quarantine leaves out, and what it costs.</content>
public abstract partial class SinkConformance
{
    [Fact]
    public async Task What_a_full_quarantine_drops_is_counted_by_pipeline()
    {
        var pipeline = $"p{Guid.NewGuid():N}";
        var dropped = new ConcurrentQueue<long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == "kor.quarantine.dropped") l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            if (tags.ToArray().Contains(new("pipeline", pipeline))) dropped.Enqueue(value);
        });
        listener.Start();
        var quarantine = new PipelineQuarantine(
            Connect(Database.Options),
            new QuarantineRouting { StateConnection = "dwh", Create = true, PlanOf = _ => new((PipelinePlan?)null), MaxRecords = 1, DropWhenFull = true, Time = new Moments() },
            new NoTopics());
        await quarantine.AddAsync([Refused("check", 0) with { Pipeline = pipeline }], Cancel);
        Assert.Empty(dropped);
        await quarantine.AddAsync([Refused("check", 1) with { Pipeline = pipeline }, Refused("check", 2) with { Pipeline = pipeline }], Cancel);
        Assert.Equal([2], dropped);
        await quarantine.PurgeAsync(pipeline, Cancel);
    }
}
