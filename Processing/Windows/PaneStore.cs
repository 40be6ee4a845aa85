using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>What is known of a pane besides its aggregates.</summary>
[Flags]
internal enum PaneFlags
{
    None = 0,

    /// <summary>Took rows in since it, or a window over it, fired.</summary>
    Changed = 1,

    /// <summary>A session that fired and was merged into another: its row is withdrawn. Holds no data.</summary>
    Withdrawn = 2,

    /// <summary>Holds no data, only the revision of the window that ends with it.</summary>
    Empty = 4,

    /// <summary>Holds rows that came too late for the first windows over their pane; <see cref="PaneHeader.Tag"/> says for how many.</summary>
    Partial = 8,
}

/// <summary>The head of a pane: the smallest span of a key's time that is aggregated as one.</summary>
internal struct PaneHeader
{
    /// <summary>Start, ms.</summary>
    public long Start;

    /// <summary>End, ms, exclusive. Of a session: the latest event time.</summary>
    public long End;

    /// <summary>The key's next older pane, or -1. Of a free pane: the next free one.</summary>
    public int Next;

    /// <summary>How often the window that ends with the pane has fired.</summary>
    public int Revision;

    public PaneFlags Flags;

    /// <summary>
    /// Hopping: in how many of the first windows over the pane it does not count; 0 but for <see cref="PaneFlags.Partial"/>. Sessions: the
    /// source of all records plus 1; 0: not known; -1: several.
    /// </summary>
    public int Tag;
}

/// <summary>
/// Panes side by side in one array, each its head and the fixed-size states of its aggregates, so that a row touches one or two cache
/// lines; states of varying size are objects beside it. A pane is known by its number, which stays until it is freed.
/// </summary>
internal sealed class PaneStore(int stateBytes, int objectSlots)
{
    private const int HeaderBytes = 32;

    // An empty store keeps room for so many panes; a larger one is given back.
    private const int KeptCapacity = 1024;
    private readonly int _stride = HeaderBytes + ((stateBytes + 7) & ~7);
    private byte[] _memory = [];
    private object?[] _objects = [];
    private int _capacity;
    private int _used;
    private int _free = -1;

    /// <summary>How many panes are in use.</summary>
    public int Count { get; private set; }

    /// <summary>The memory of all arrays, bytes; without the objects.</summary>
    public long Bytes => _memory.LongLength + _objects.LongLength * 8;

    /// <summary>The objects of all panes, null where there is none.</summary>
    public ReadOnlySpan<object?> Objects => _objects;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref PaneHeader Header(int pane) =>
        ref Unsafe.As<byte, PaneHeader>(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_memory), (nint)pane * _stride));

    /// <summary>
    /// For some entries (or -1) their newest pane, when that begins at <paramref name="starts"/>, ends after the watermark and holds data; else -1:
    /// what most rows find.
    /// </summary>
    public void FindLive(KeyTable keys, ReadOnlySpan<int> entries, ReadOnlySpan<long> starts, long watermark, Span<int> panes)
    {
        ref var memory = ref MemoryMarshal.GetArrayDataReference(_memory);
        var stride = (nint)_stride;
        var all = keys.Entries;
        starts = starts[..entries.Length];
        panes = panes[..entries.Length];
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = entries[i];
            var pane = (uint)entry < (uint)all.Length ? all[entry].FirstPane : -1;
            panes[i] = pane;
            if (pane < 0) continue;
            ref var header = ref Unsafe.As<byte, PaneHeader>(ref Unsafe.Add(ref memory, pane * stride));
            if (header.Start != starts[i] || header.End <= watermark || (header.Flags & (PaneFlags.Empty | PaneFlags.Partial)) != 0)
                panes[i] = -1;
        }
    }

    /// <summary>An aggregate's state in a pane. The reference is valid until the next <see cref="Allocate"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref T State<T>(int pane, int offset) where T : unmanaged =>
        ref Unsafe.As<byte, T>(
            ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_memory), ((nint)pane * _stride) + HeaderBytes + offset));

    public ref object? Object(int pane, int slot) => ref _objects[(pane * objectSlots) + slot];

    /// <summary>A pane with empty aggregates.</summary>
    public int Allocate()
    {
        Count++;
        if (_free >= 0)
        {
            var pane = _free;
            _free = Header(pane).Next;
            Header(pane) = default;
            return pane;
        }

        if (_used == _capacity) Grow();
        Header(_used) = default;
        return _used++;
    }

    /// <summary>Gives a pane back.</summary>
    public void Free(int pane)
    {
        Count--;
        _memory.AsSpan(pane * _stride, _stride).Clear();
        if (objectSlots != 0) _objects.AsSpan(pane * objectSlots, objectSlots).Clear();
        Header(pane).Next = _free;
        _free = pane;
        if (Count != 0) return;
        _free = -1;
        _used = 0;
        if (_capacity <= KeptCapacity) return;
        _memory = [];
        _objects = [];
        _capacity = 0;
    }

    private void Grow()
    {
        var most = Array.MaxLength / Math.Max(_stride, Math.Max(1, objectSlots));
        if (_capacity >= most)
            throw new InvalidOperationException($"A cell cannot hold more than {most} panes. Spread the keys over more shards or groups.");
        _capacity = (int)Math.Min(most, Math.Max(1L, _capacity * 2L));
        Array.Resize(ref _memory, _capacity * _stride);
        if (objectSlots != 0) Array.Resize(ref _objects, _capacity * objectSlots);
    }
}
