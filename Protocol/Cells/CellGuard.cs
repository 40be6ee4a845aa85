namespace KafkaOracleOrleans.Protocol.Cells;

/// <summary>
/// A cell's side of the rule that cells follow their owner (epochs and numbers): what it holds is always the owner's checkpoint plus every
/// call of this epoch, or it says that it is lost.
/// </summary>
internal sealed class CellGuard
{
    private long _epoch;
    private long _number;

    /// <summary>
    /// Admits a call or says why not. When it returns Ok and <paramref name="restore"/> is true, the cell drops its memory and loads what
    /// the call brings before it goes on.
    /// </summary>
    public CellAnswer Admit(in CellCall call, out bool restore)
    {
        restore = false;
        if (call.Epoch < _epoch) return CellAnswer.Fenced;
        if (call.Restore is not null)
        {
            _epoch = call.Epoch;
            _number = call.Number;
            restore = true;
            return CellAnswer.Ok;
        }

        if (call.Epoch > _epoch || call.Number != _number + 1) return CellAnswer.Lost;
        _number = call.Number;
        return CellAnswer.Ok;
    }

    /// <summary>True when the cell holds state of that epoch.</summary>
    public bool Holds(long epoch) => _epoch == epoch && _number > 0;

    /// <summary>What the cell holds is no longer trusted, because a call failed half-way.</summary>
    public void Distrust() => _number = long.MinValue;
}
