using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Watermarks;

/// <summary>
/// The watermark of a source partition: the largest event time seen less the disorder allowed. A function of the
/// records alone, so a replay brings the same one about; it never moves back. Times in ms.
/// <para>
/// One wrong clock must not make all other records late. Once a partition has <see cref="Settled"/> records, one that lies more than
/// <paramref name="maxAhead"/> beyond the largest event time is a claim: it does not move the watermark until <see cref="Confirmations"/> records
/// have claimed such a time, and more of them than have come since that claimed none. Then the watermark follows the smallest time claimed. So many
/// records that claim none, and not fewer than those that did, refute it. A topic that was silent for a night goes on with the third record.
/// </para>
/// </summary>
/// <param name="maxOutOfOrder">How far behind the newest a record may come, at least 0.</param>
/// <param name="maxAhead">How far a single record may move the watermark; 0: any way.</param>
public sealed class PartitionWatermark(long maxOutOfOrder, long maxAhead = 0)
{
    /// <summary>Before so many records there is nothing to judge one by.</summary>
    public const int Settled = 100;

    /// <summary>So many records confirm or refute a time far ahead.</summary>
    public const int Confirmations = 3;

    private int _seen;
    private int _for;
    private int _against;
    private long _claim;

    /// <summary>The watermark; <see cref="long.MinValue"/> before the first record.</summary>
    public long Current { get; private set; } = long.MinValue;

    /// <summary>What the watermark would be if the time claimed is right; the watermark when none is claimed, or something speaks against it.</summary>
    public long Claimed => _for > 0 && _against == 0 ? Math.Max(Current, Below(_claim)) : Current;

    /// <summary>Takes a record's event time into account. True when the watermark moved.</summary>
    public bool Observe(long eventTime)
    {
        if (_seen >= Settled && maxAhead > 0)
        {
            if (Below(eventTime) > WindowTime.Add(Current, maxAhead)) return Claim(eventTime);
            if (_for > 0) Doubt();
        }
        else
        {
            _seen++;
        }

        return Raise(Below(eventTime));
    }

    /// <summary>Goes on from a checkpoint. A watermark already reached is kept.</summary>
    public void Restore(long watermark) => Current = Math.Max(Current, watermark);

    /// <summary>Writes what decides how the next records are judged: records seen, for, against (varints), and the time claimed if any (varint).</summary>
    public void Write(ref ByteWriter w)
    {
        w.VarUInt((ulong)Math.Min(_seen, Settled));
        w.VarUInt((ulong)_for);
        w.VarUInt((ulong)_against);
        if (_for > 0) w.VarInt(_claim);
    }

    /// <summary>Reads what <see cref="Write"/> wrote. Throws <see cref="CorruptStateException"/>.</summary>
    public void Read(ref ByteReader r)
    {
        _seen = r.Count(Settled, "records seen");
        _for = r.Count(int.MaxValue, "records that claim a time");
        _against = r.Count(int.MaxValue, "records that claim none");
        if (_for > 0) _claim = r.VarInt();
    }

    private bool Claim(long eventTime)
    {
        _claim = _for == 0 ? eventTime : Math.Min(_claim, eventTime);
        _for++;
        if (_for < Confirmations || _for <= _against) return false;
        (_for, _against) = (0, 0);
        return Raise(Below(_claim));
    }

    private void Doubt()
    {
        _against++;
        if (_against >= Confirmations && _against >= _for) (_for, _against) = (0, 0);
    }

    // The smallest value means "none yet"; no record can bring it back.
    private long Below(long eventTime) => eventTime < long.MinValue + 1 + maxOutOfOrder ? long.MinValue + 1 : eventTime - maxOutOfOrder;

    private bool Raise(long watermark)
    {
        if (watermark <= Current) return false;
        Current = watermark;
        return true;
    }
}
