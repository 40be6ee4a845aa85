namespace KafkaOracleOrleans.Simulation.Engine;

/// <summary>The clock of a place: virtual, with its silo's error; its timers end in the place, or never when the silo is dead.</summary>
internal sealed class SimTime(Scheduler scheduler, Place place) : TimeProvider
{
    private static readonly DateTimeOffset Beginning = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Beginning + scheduler.Elapsed + place.Silo.ClockSkew;

    public override long GetTimestamp() => scheduler.Now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (period != Timeout.InfiniteTimeSpan) throw new NotSupportedException("The protocol has no periodic timers.");
        var timer = new SimTimer(scheduler, place, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SimTimer(Scheduler scheduler, Place place, TimerCallback callback, object? state) : ITimer
    {
        private Due? _due;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Dispose();
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            Due due = null!;
            due = new Due(place, () =>
            {
                // It may have been stopped between its end and its turn.
                if (!due.IsCancelled) callback(state);
            });
            scheduler.Schedule(_due = due, dueTime);
            return true;
        }

        public void Dispose()
        {
            if (_due is { } due) due.IsCancelled = true;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
