using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Proof;

/// <summary>A record that holds an id.</summary>
/// <param name="Id">The id's hash.</param>
/// <param name="Route">Where ids are told apart by message key too: which; else 0.</param>
/// <param name="Time">Event time, ms.</param>
/// <param name="Offset">The record's offset.</param>
/// <param name="Sure">It surely holds the id.</param>
public readonly record struct IdClaim(UInt128 Id, ulong Route, long Time, long Offset, bool Sure);

/// <summary>What the model says of a record's id.</summary>
public enum IdVerdict
{
    /// <summary>No record before it has its id within the span.</summary>
    First,

    /// <summary>One has.</summary>
    Duplicate,

    /// <summary>One may have, and may have been forgotten by the time, or lie before what was read.</summary>
    Unknown,
}

/// <summary>
/// Dedup by the rule alone: a record is a duplicate when an accepted one before it in its partition has its id and lies at most <c>within</c> away in event
/// time. The engine forgets ids that lie <c>within</c> behind the watermark; whether it still remembers one at that edge depends on how ids share cells,
/// which is not the model's business: such a record is <see cref="IdVerdict.Unknown"/>.
/// </summary>
internal sealed class NaiveDedup(string step, int source, long within, long slack, long unseenBelow, IProofFile file, int room)
{
    private const int BloomBits = 1 << 26;
    private readonly Dictionary<(UInt128 Id, ulong Route), List<IdClaim>> _claims = [];
    // The engine forgets by buckets of an eighth of the span.
    private readonly long _edge = Math.Clamp((within + 7) / 8, 1000, int.MaxValue);
    private long _newest = long.MinValue;
    private long _sweptAt = long.MinValue;
    private int _count;
    private System.Collections.BitArray? _moved;

    /// <summary>Judges a record; <paramref name="watermark"/> is its partition's before it, ms. Also gives the offset of the record that holds the id.</summary>
    public IdVerdict Judge(UInt128 id, ulong route, long time, long offset, long watermark, out long holder)
    {
        if (watermark != long.MinValue) _newest = Math.Max(_newest, watermark + slack);
        var remembered = _newest == long.MinValue ? long.MinValue : _newest - slack - within;
        var (sure, maybe) = (false, false);
        holder = -1;
        foreach (var claim in Find(id, route))
        {
            if (Math.Abs(claim.Time - time) > within) continue;
            if (holder < 0) holder = claim.Offset;
            if (claim.Sure && claim.Time >= remembered) sure = true;
            else maybe = true;
        }

        var isEdge = time < Sum(remembered, -_edge) || time < Sum(unseenBelow, within);
        var verdict = sure ? IdVerdict.Duplicate : maybe || isEdge ? IdVerdict.Unknown : IdVerdict.First;
        if (verdict != IdVerdict.Duplicate)
        {
            Keep(new IdClaim(id, route, time, offset, verdict == IdVerdict.First && time >= remembered));
        }

        if (time > _newest) _newest = time;
        Forget();
        return verdict;
    }

    public void Save(ref ByteWriter w)
    {
        w.VarInt(_newest);
        w.VarUInt((ulong)_count);
        foreach (var claim in _claims.Values.SelectMany(c => c))
        {
            w.UInt64((ulong)claim.Id);
            w.UInt64((ulong)(claim.Id >> 64));
            w.UInt64(claim.Route);
            w.VarInt(claim.Time);
            w.VarInt(claim.Offset);
            w.Byte(claim.Sure ? (byte)1 : (byte)0);
        }
    }

    public void Restore(ref ByteReader r)
    {
        _newest = r.VarInt();
        var count = r.Count(r.Remaining, "the number of claims");
        for (var i = 0; i < count; i++)
        {
            UInt128 id = (ulong)r.Int64();
            id |= (UInt128)(ulong)r.Int64() << 64;
            var route = (ulong)r.Int64();
            Add(new IdClaim(id, route, r.VarInt(), r.VarInt(), r.Byte() != 0));
        }

        // Which ids were taken out of memory before is not known any more: all are looked for.
        _moved = new System.Collections.BitArray(BloomBits, true);
    }

    private IEnumerable<IdClaim> Find(UInt128 id, ulong route)
    {
        IEnumerable<IdClaim> here = _claims.GetValueOrDefault((id, route)) ?? [];
        return _moved is not null && Bits(id, route).All(b => _moved[b]) ? here.Concat(file.FindClaims(step, source, id, route)) : here;
    }

    private void Keep(IdClaim claim)
    {
        if (_count >= room) MoveOut();
        Add(claim);
    }

    private void Add(IdClaim claim)
    {
        if (!_claims.TryGetValue((claim.Id, claim.Route), out var list)) _claims.Add((claim.Id, claim.Route), list = new List<IdClaim>(1));
        list.Add(claim);
        _count++;
    }

    private void MoveOut()
    {
        _moved ??= new System.Collections.BitArray(BloomBits);
        foreach (var (id, route) in _claims.Keys)
        {
            foreach (var bit in Bits(id, route)) _moved[bit] = true;
        }

        file.KeepClaims(step, source, _claims.Values.SelectMany(c => c));
        _claims.Clear();
        _count = 0;
    }

    private static IEnumerable<int> Bits(UInt128 id, ulong route)
    {
        var low = (ulong)id ^ route;
        var high = (ulong)(id >> 64);
        for (var i = 0; i < 3; i++) yield return (int)((low + ((ulong)i * (high | 1))) % BloomBits);
    }

    /// <summary>Drops what no record can meet that is not in doubt anyway.</summary>
    private void Forget()
    {
        if (_sweptAt != long.MinValue && _newest < Sum(_sweptAt, _edge)) return;
        _sweptAt = _newest;
        var below = Sum(_newest, -(slack + (2 * within) + (2 * _edge)));
        foreach (var (key, list) in _claims)
        {
            _count -= list.RemoveAll(c => c.Time < below);
            if (list.Count == 0) _claims.Remove(key);
        }
    }

    private static long Sum(long time, long span)
    {
        if (time == long.MinValue) return time;
        var sum = (Int128)time + span;
        return sum < long.MinValue ? long.MinValue : sum > long.MaxValue ? long.MaxValue : (long)sum;
    }
}
