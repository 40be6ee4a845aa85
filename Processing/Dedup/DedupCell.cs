using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>
/// The ids of one partition (or of a bucket of ids or one message key in it) and the offsets that hold them. Not thread-safe; a function of its
/// calls only, and of the order of the records alone: how they are cut into batches does not show.
/// <para>
/// A record is a duplicate when a record of its id with a smaller offset was accepted whose event time is at most <c>within</c> away from its own.
/// Otherwise it is accepted and holds the id beside those accepted before, whose times are further away: records out of order may ask for any of
/// them again. An offset that asks again is accepted again.
/// </para>
/// <para>
/// A claim is forgotten by time bucket, an eighth of <c>within</c> (1 s to 24 days) long: when the largest event time seen so far is
/// <c>within + maxOutOfOrder</c> past the bucket's end. Every record that is not later than the watermark finds the claims it must find. A record
/// older than all remembered buckets is accepted and not remembered (<see cref="DedupCounts.TooOld"/>).
/// </para>
/// <para>
/// A cell made by <see cref="Shared"/> serves partitions whose offsets and times have nothing to do with each other: there a record is a duplicate when any
/// accepted record of its id lies at most <c>within</c> away from it, and what is forgotten follows from <see cref="Forget"/> alone. It gives no answer
/// twice: who asks must keep the first one.
/// </para>
/// <para>Memory: 28 bytes a claim and 5 to 10 bytes of index; under 40 bytes for each remembered id.</para>
/// </summary>
public sealed partial class DedupCell
{
    private const int ChunkSize = 128;
    private readonly long _within;
    private readonly long _slack;
    private readonly long _bucketLength;
    private readonly bool _shared;
    private readonly int _pageBits;
    private readonly int _placeMask;
    private readonly List<DedupPage?> _pages = [];
    private readonly Stack<int> _freePages = [];
    private readonly Stack<DedupClaim[]> _rooms = [];
    private readonly SortedList<long, int> _lastPages = [];
    private readonly List<long> _gone = [];
    private readonly ClaimIndex _index = new();
    private long _maxTime = long.MinValue;
    private long _storedMaxTime = long.MinValue;

    // Buckets below are forgotten; what it is follows from the largest event time and changes when that reaches the next boundary.
    private long _firstBucket = long.MinValue;
    private long _nextBoundary = long.MinValue;
    private int _live;

    // The page of the last claim, since the next one most often goes there too; -1: none.
    private long _recentBucket;
    private int _recentPage = -1;

    // What was read ahead, kept so that reading it is not taken for needless.
    private ulong _readAhead;

    /// <summary>Makes an empty cell.</summary>
    /// <param name="withinMs">For how long (event time) an id is held, ms, at least 0.</param>
    /// <param name="maxOutOfOrderMs">The source's maxOutOfOrder, ms, at least 0.</param>
    public DedupCell(long withinMs, long maxOutOfOrderMs = 0)
        : this(withinMs, maxOutOfOrderMs, shared: false)
    {
    }

    private DedupCell(long withinMs, long maxOutOfOrderMs, bool shared)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(withinMs);
        ArgumentOutOfRangeException.ThrowIfNegative(maxOutOfOrderMs);
        _within = withinMs;
        _slack = maxOutOfOrderMs;
        _bucketLength = BucketLength(withinMs);
        _shared = shared;
        _pageBits = shared ? DedupPage.SmallSizeBits : DedupPage.SizeBits;
        _placeMask = (1 << _pageBits) - 1;
    }

    /// <summary>
    /// The length of a time bucket, ms, for a span: state is stored by buckets, so that cells of one length can read each other's and no others.
    /// </summary>
    public static long BucketLength(long withinMs) => Math.Clamp((withinMs / 8) + (withinMs % 8 == 0 ? 0 : 1), 1000, int.MaxValue);

    /// <summary>The smallest offset new pages have room for; -1: that of their first claim.</summary>
    internal long PageBase { get; init; } = -1;

    /// <summary>How many ids are remembered.</summary>
    public int Count => _live;

    /// <summary>The time buckets below this one were forgotten, now or earlier; set when a cell is brought back.</summary>
    public long ForgottenBelow { get; set; } = long.MinValue;

    /// <summary>True when no id is remembered.</summary>
    public bool IsEmpty => _live == 0;

    /// <summary>True when there are changes that <see cref="CollectDirty"/> has not handed out.</summary>
    public bool Dirty
    {
        get
        {
            if (_gone.Count != 0 || (_maxTime != _storedMaxTime && _lastPages.Count != 0)) return true;
            foreach (var page in _pages)
            {
                if (page is { Dirty: true }) return true;
            }

            return false;
        }
    }

    /// <summary>
    /// The watermark (largest event time of the partition less its maxOutOfOrder) at which the last claim may be forgotten and the cell with
    /// it, ms; null when it is empty.
    /// </summary>
    public long? ForgottenAt => _lastPages.Count == 0 ? null : ForgetAt(_lastPages.Keys[^1]);

    /// <summary>The memory held, roughly, bytes.</summary>
    public long EstimatedBytes
    {
        get
        {
            var bytes = 400 + _index.Bytes;
            foreach (var page in _pages) bytes += page is null ? 8 : 96 + (page.Capacity * 28L);
            foreach (var room in _rooms) bytes += 24 + (room.Length * 28L);
            return bytes;
        }
    }

    /// <summary>
    /// Claims ids for their offsets. Arrays may be longer than <paramref name="count"/>; only the selected entries are read and written.
    /// </summary>
    /// <param name="count">How many rows the arrays hold.</param>
    /// <param name="ids">128-bit hashes of the ids.</param>
    /// <param name="bodyHashes">32-bit hashes of the records' values, to tell a repetition from a conflict.</param>
    /// <param name="eventTimes">Event times, ms.</param>
    /// <param name="offsets">Offsets; of a shared cell: 32-bit marks, for <see cref="Holds"/>.</param>
    /// <param name="selected">The rows of this cell in ascending order of their offsets.</param>
    /// <param name="duplicate">Set for every selected row.</param>
    /// <param name="counts">Added to.</param>
    /// <param name="belated">
    /// The records come out of their place in the log, played again from quarantine: what holds the id counts, were its offset larger or smaller.
    /// </param>
    public void Claim(
        int count, UInt128[] ids, uint[] bodyHashes, long[] eventTimes, long[] offsets, ReadOnlySpan<int> selected,
        bool[] duplicate, ref DedupCounts counts, bool belated = false)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(bodyHashes);
        ArgumentNullException.ThrowIfNull(eventTimes);
        ArgumentNullException.ThrowIfNull(offsets);
        ArgumentNullException.ThrowIfNull(duplicate);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, ids.Length);
        Span<ulong> hashes = stackalloc ulong[ChunkSize];
        while (!selected.IsEmpty)
        {
            var rows = selected[..Math.Min(ChunkSize, selected.Length)];
            selected = selected[rows.Length..];
            MakeRoom(rows.Length, rows.Length);
            ReadAhead(ids, rows, hashes);
            for (var i = 0; i < rows.Length; i++)
            {
                var row = rows[i];
                var claim = new DedupClaim { IdLow = (ulong)ids[row], IdHigh = (ulong)(ids[row] >> 64), Body = bodyHashes[row] };
                duplicate[row] = !(_shared
                    ? ClaimShared(claim, hashes[i], eventTimes[row], offsets[row], ref counts)
                    : Claim(claim, hashes[i], eventTimes[row], offsets[row], belated, ref counts));
            }
        }
    }

    /// <summary>
    /// Forgets what is out of reach at a watermark of the partition, so that the cells of message keys that fell silent come to an end. It
    /// must be a watermark that replay reproduces at the same place. A shared cell's may go back: what comes from then on is remembered again.
    /// </summary>
    public void Forget(long watermark)
    {
        var time = watermark > long.MaxValue - _slack ? long.MaxValue : watermark + _slack;
        if (_shared && time < _maxTime) _nextBoundary = long.MinValue;
        if (time > _maxTime || (_shared && time < _maxTime)) See(time);
    }

    private int NumberOf(int page, int place) => (page << _pageBits) | place;

    private long ForgetAt(long bucket) => ((bucket + 1) * _bucketLength) + _within;

    private long BucketOf(long time)
    {
        var bucket = time / _bucketLength;
        return time % _bucketLength < 0 ? bucket - 1 : bucket;
    }

    // Each loop reads one thing per row that is likely not in the cache, so that the misses of many rows overlap.
    private void ReadAhead(UInt128[] ids, ReadOnlySpan<int> rows, Span<ulong> hashes)
    {
        if (_live < 4096)
        {
            for (var i = 0; i < rows.Length; i++) hashes[i] = ClaimIndex.Hash((ulong)ids[rows[i]], (ulong)(ids[rows[i]] >> 64));
            return;
        }

        Span<int> homes = stackalloc int[ChunkSize];
        var seen = 0UL;
        for (var i = 0; i < rows.Length; i++)
        {
            hashes[i] = ClaimIndex.Hash((ulong)ids[rows[i]], (ulong)(ids[rows[i]] >> 64));
            homes[i] = _index.Home(hashes[i]);
            seen += _index.Peek(homes[i]);
        }

        for (var i = 0; i < rows.Length; i++)
        {
            var number = _index.Next(hashes[i], ref homes[i]);
            if (number < 0 || _pages[number >> _pageBits] is not { } page) continue;
            var place = number & _placeMask;
            if (place < page.Count) seen += page[place].IdLow;
        }

        _readAhead = seen;
    }

    /// <summary>True when the id is accepted.</summary>
    private bool Claim(in DedupClaim claim, ulong hash, long time, long offset, bool belated, ref DedupCounts counts)
    {
        var accepted = true;
        var own = false;
        // Of two that hold the id near enough the smaller offset counts, in whatever order they lie here.
        var (holder, body) = (long.MaxValue, claim.Body);
        for (var number = Find(claim, hash, out var slot); number >= 0; number = FindNext(claim, hash, ref slot))
        {
            var page = _pages[number >> _pageBits]!;
            ref var held = ref page[number & _placeMask];
            var at = page.BaseOffset + held.Offset;
            own |= at == offset;
            if (at != offset && (at < offset || belated) && at < holder && IsNear(time, page, held))
                (accepted, holder, body) = (false, at, held.Body);
            slot = _index.After(slot);
        }

        accepted |= own;
        if (accepted && !own) Hold(claim, hash, time, offset, ref counts);
        if (!accepted && body != claim.Body) counts.DifferentBody++;
        counts.Accepted += accepted ? 1 : 0;
        counts.Duplicates += accepted ? 0 : 1;
        if (time > _maxTime) See(time);
        return accepted;
    }

    private bool IsNear(long time, DedupPage page, in DedupClaim held) => Math.Abs(time - ((page.Bucket * _bucketLength) + held.Time)) <= _within;

    /// <summary>Remembers an accepted claim.</summary>
    private void Hold(in DedupClaim claim, ulong hash, long time, long offset, ref DedupCounts counts)
    {
        if (BucketOf(time) < _firstBucket) counts.TooOld++;
        else _index.Add(hash, Append(claim, time, offset));
    }

    private int Find(in DedupClaim claim, ulong hash, out int slot)
    {
        slot = _index.Home(hash);
        return FindNext(claim, hash, ref slot);
    }

    /// <summary>The next claim of an id from a slot on: its number, and the slot it stands in; -1 when there is none.</summary>
    private int FindNext(in DedupClaim claim, ulong hash, ref int slot)
    {
        while (true)
        {
            var number = _index.Next(hash, ref slot);
            if (number < 0) return -1;
            // The slot may be that of a claim that was forgotten, and its page gone or used for others.
            if (_pages[number >> _pageBits] is { } page && (number & _placeMask) < page.Count)
            {
                ref var found = ref page[number & _placeMask];
                if (found.IdLow == claim.IdLow && found.IdHigh == claim.IdHigh) return number;
            }

            slot = _index.After(slot);
        }
    }

    private int Append(DedupClaim claim, long time, long offset)
    {
        var bucket = BucketOf(time);
        var number = _recentPage >= 0 && bucket == _recentBucket ? _recentPage : _lastPages.TryGetValue(bucket, out var last) ? last : -1;
        if (number < 0 || !_pages[number]!.Takes(offset))
        {
            var next = number < 0 ? 0 : _pages[number]!.Number + 1;
            if (next >= 1 << DedupPage.NumberBits)
                throw new InvalidOperationException("A dedup cell holds too many ids in one time bucket. Spread them over more groups or shards.");
            number = AddPage(new DedupPage(bucket, next, BaseOf(offset), _placeMask + 1, _rooms.TryPop(out var room) ? room : null));
        }

        (_recentBucket, _recentPage) = (bucket, number);
        var page = _pages[number]!;
        claim.Offset = (uint)(offset - page.BaseOffset);
        claim.Time = (uint)(time - (bucket * _bucketLength));
        _live++;
        return NumberOf(number, page.Add(claim));
    }

    private long BaseOf(long offset) => _shared ? 0 : PageBase >= 0 && offset >= PageBase ? PageBase : offset;

    private int AddPage(DedupPage page)
    {
        if (!_freePages.TryPop(out var number))
        {
            number = _pages.Count;
            _pages.Add(null);
        }

        _pages[number] = page;
        if (!_lastPages.TryGetValue(page.Bucket, out var last) || _pages[last]!.Number < page.Number) _lastPages[page.Bucket] = number;
        return number;
    }

    /// <summary>Takes note of a larger event time and forgets the buckets it leaves behind.</summary>
    private void See(long time)
    {
        _maxTime = time;
        if (time < _nextBoundary) return;
        var reach = time - _slack - _within;
        if (reach > time) reach = long.MinValue;
        _firstBucket = BucketOf(reach);
        ForgottenBelow = Math.Max(ForgottenBelow, _firstBucket);
        _nextBoundary = ((_firstBucket + 1) * _bucketLength) + _within + _slack;
        if (_lastPages.Count == 0 || _lastPages.Keys[0] >= _firstBucket) return;
        _recentPage = -1;
        for (var i = 0; i < _pages.Count; i++)
        {
            if (_pages[i] is not { } page || page.Bucket >= _firstBucket) continue;
            _live -= page.Count;
            if (page.Stored) _gone.Add(page.Part);
            // A bucket's worth of arrays serves the next bucket.
            if (_rooms.Count <= _pages.Count / 8) _rooms.Push(page.Room);
            _pages[i] = null;
            _freePages.Push(i);
        }

        while (_lastPages.Count != 0 && _lastPages.Keys[0] < _firstBucket) _lastPages.RemoveAt(0);
    }

    /// <summary>Makes sure that so many claims on so many new pages can be indexed without a rebuild in between.</summary>
    private void MakeRoom(int claims, int pages)
    {
        if (!_index.IsFullFor(claims) && _index.Fits((_pages.Count + (long)pages) << _pageBits)) return;
        _index.Rebuild(_live + (long)claims, (_pages.Count + (4L * ChunkSize)) << _pageBits);
        for (var p = 0; p < _pages.Count; p++)
        {
            if (_pages[p] is not { } page) continue;
            for (var i = 0; i < page.Count; i++)
            {
                _index.Add(ClaimIndex.Hash(page[i].IdLow, page[i].IdHigh), NumberOf(p, i));
            }
        }
    }
}
