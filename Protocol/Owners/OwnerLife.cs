namespace KafkaOracleOrleans.Protocol.Owners;

/// <summary>Where an owner is in its life.</summary>
internal enum OwnerState
{
    /// <summary>No term, and none on the way.</summary>
    Idle,

    /// <summary>Raises its epoch.</summary>
    Acquiring,

    /// <summary>Reads what is durable.</summary>
    Loading,

    /// <summary>Sends its source back to where it goes on.</summary>
    Seeking,

    /// <summary>Has a term.</summary>
    Running,

    /// <summary>Lets go of a term, or of what was to become one.</summary>
    Ending,

    /// <summary>Waits for an operator.</summary>
    GaveUp,
}

/// <summary>
/// The life of an owner: the same for partitions, shards, dedup shards and writers. There is one table of legal moves, and a move that is not in it is a
/// defect that shows at once.
/// </summary>
internal sealed class OwnerLife
{
    private static readonly Dictionary<OwnerState, OwnerState[]> Moves = new()
    {
        [OwnerState.Idle] = [OwnerState.Acquiring, OwnerState.GaveUp],
        [OwnerState.Acquiring] = [OwnerState.Loading, OwnerState.Ending],
        [OwnerState.Loading] = [OwnerState.Seeking, OwnerState.Running, OwnerState.Ending],
        [OwnerState.Seeking] = [OwnerState.Running, OwnerState.Ending],
        [OwnerState.Running] = [OwnerState.Ending],
        [OwnerState.Ending] = [OwnerState.Idle],
        [OwnerState.GaveUp] = [OwnerState.Idle],
    };

    /// <summary>Where it is.</summary>
    public OwnerState State { get; private set; } = OwnerState.Idle;

    /// <summary>True on the way to a term.</summary>
    public bool Begins => State is OwnerState.Acquiring or OwnerState.Loading or OwnerState.Seeking;

    /// <summary>Whether a move is legal.</summary>
    public static bool IsLegal(OwnerState from, OwnerState to) => Moves[from].Contains(to);

    /// <summary>Moves on. Throws <see cref="InvalidOperationException"/> when that is not legal.</summary>
    public void Move(OwnerState to)
    {
        if (!IsLegal(State, to)) throw new InvalidOperationException($"An owner cannot go from {State} to {to}.");
        State = to;
    }
}
