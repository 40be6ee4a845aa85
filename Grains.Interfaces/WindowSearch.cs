namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>Which windows of a step are asked for.</summary>
/// <param name="Step">A window or aggregate step.</param>
/// <param name="Closed">True: those that closed last, newest first; false: the open ones (or running totals), the ones that end first in front.</param>
/// <param name="Limit">At most so many, 1 to <see cref="MaxLimit"/>.</param>
[GenerateSerializer, Immutable, Alias("kor.WindowQuery")]
public sealed record WindowQuery([property: Id(0)] string Step, [property: Id(1)] bool Closed, [property: Id(2)] int Limit)
{
    /// <summary>The most rows of one answer, and the most a shard looks at for one question.</summary>
    public const int MaxLimit = 1000;

    /// <summary>Only keys whose text contains this, in whatever case; null: all.</summary>
    [Id(3)] public string? Key { get; init; }

    /// <summary>Only windows that end after this event time, ms; null: all.</summary>
    [Id(4)] public long? From { get; init; }

    /// <summary>Only windows that start before this event time, ms; null: all.</summary>
    [Id(5)] public long? To { get; init; }

    /// <summary>The <see cref="WindowPage.Next"/> of the page before; null: the first page.</summary>
    [Id(6)] public string? After { get; init; }
}

/// <summary>Windows of a step.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Total">How many windows there are that match, as far as the shards looked.</param>
/// <param name="Complete">False: a shard has more than it looked at (<see cref="WindowQuery.MaxLimit"/>), so that the total is at least this.</param>
/// <param name="Next">Leads to the next page; null: there is none.</param>
[GenerateSerializer, Immutable, Alias("kor.WindowPage")]
public sealed record WindowPage(
    [property: Id(0)] IReadOnlyList<WindowRow> Rows, [property: Id(1)] long Total, [property: Id(2)] bool Complete, [property: Id(3)] string? Next)
{
    /// <summary>Nothing.</summary>
    public static WindowPage Empty { get; } = new([], 0, true, null);
}
