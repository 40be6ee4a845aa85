using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Protocol.Writers;

namespace KafkaOracleOrleans.Grains.Sinks;

/// <summary>How deliveries are shown.</summary>
internal static class Deliveries
{
    /// <summary>As clients see it.</summary>
    public static PartState Part(this SinkDelivery delivery) => delivery.State.ToPart();

    /// <summary>How far the sink is behind.</summary>
    public static SinkFreshness Fresh(this SinkDelivery delivery, bool complete)
    {
        var (newest, seconds) = delivery.Freshness(complete);
        return new SinkFreshness(newest, seconds);
    }

    /// <summary>What it shows in gauges.</summary>
    public static LaneGauge Gauge(this SinkDelivery delivery, SinkFreshness fresh) =>
        new(delivery.Sink.Id, delivery.PendingRows - delivery.InFlight, delivery.InFlight, fresh.Seconds ?? -1);
}
