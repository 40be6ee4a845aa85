using System.Runtime.CompilerServices;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows.Aggregates;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>
/// What the cells of a step share: its aggregates, its windows and the room for a chunk of rows. A cell rents one for the length of a call,
/// so that a cell of one key holds no buffers of its own.
/// </summary>
internal sealed class WindowKernel
{
    private static readonly ConditionalWeakTable<WindowStepSpec, WindowKernelPool> Pools = [];

    private ByteWriter _writer;

    public WindowKernel(WindowStepSpec spec)
    {
        Spec = spec;
        Aggregators = new AggregatorFactory(spec).Create();
        foreach (var aggregator in Aggregators)
        {
            StateBytes += (aggregator.StateBytes + 7) & ~7;
            ObjectSlots += aggregator.ObjectSlots;
        }

        switch (spec.Window)
        {
            case TumblingWindow w:
                Require(w.Size > 0, "a tumbling window's size must be above 0");
                (Pane, Size, Origin) = (w.Size, w.Size, w.Offset % w.Size);
                break;
            case HoppingWindow w:
                Require(w.Every > 0 && w.Size > 0 && w.Size % w.Every == 0, "a hopping window's size must be a multiple of 'every'");
                (Pane, Size, Origin) = (w.Every, w.Size, w.Offset % w.Every);
                break;
            case SessionWindow w:
                Require(w.Gap > 0 && w.MaxLength > 0, "a session's gap and maximum length must be above 0");
                break;
            case CalendarWindow w:
                Calendar = new CalendarZone(w);
                break;
            case RunningTotals:
                break;
            default:
                throw new ArgumentException($"The window {spec.Window} is not known.", nameof(spec));
        }

        Require(spec.AllowedLateness >= 0, "the allowed lateness must not be negative");
    }

    public WindowStepSpec Spec { get; }

    public Aggregator[] Aggregators { get; }

    public int StateBytes { get; }

    public int ObjectSlots { get; }

    /// <summary>Tumbling and hopping: length of a pane, ms.</summary>
    public long Pane { get; }

    /// <summary>Tumbling and hopping: length of a window, ms.</summary>
    public long Size { get; }

    /// <summary>Tumbling and hopping: a start of a window, ms.</summary>
    public long Origin { get; }

    public CalendarZone? Calendar { get; }

    public RowChunk Chunk { get; } = new();

    public long[] Starts { get; } = new long[RowChunk.Size];

    public long[] Ends { get; } = new long[RowChunk.Size];

    public int[] Entries { get; } = new int[RowChunk.Size];

    /// <summary>Rows of the chunk that are late for the first windows over their pane, and for how many.</summary>
    public List<(int Row, long Start, long End, int Missed)> Partial { get; } = [];

    public List<int> Touched { get; } = [];

    public List<Firing> Firings { get; } = [];

    /// <summary>The windows over a key's panes that are due, as ranges of their ends, both included.</summary>
    public List<(long First, long Last)> WindowEnds { get; } = [];

    /// <summary>What the call may use up; null: anything.</summary>
    public WorkBudget? Budget { get; set; }

    public ref ByteWriter Writer => ref _writer;

    public static WindowKernelPool PoolOf(WindowStepSpec spec) => Pools.GetValue(spec, static s => new WindowKernelPool(s));

    /// <summary>The span of the pane a time lies in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (long Start, long End) PaneOf(long time)
    {
        if (Calendar is not null) return Calendar.WindowOf(time);
        if (Pane == 0) return (0, long.MaxValue);
        var start = WindowTime.Floor(time, Pane, Origin);
        return (start, WindowTime.Add(start, Pane));
    }

    private static void Require(bool condition, string rule)
    {
        if (!condition) throw new ArgumentException($"The window step cannot run: {rule}.");
    }
}

/// <summary>A window that is about to fire.</summary>
internal readonly record struct Firing(long Start, long End, ulong Hash, int Entry, int Pane, int Revision);

/// <summary>Kernels of a step that are not in use; at most a few are kept.</summary>
internal sealed class WindowKernelPool(WindowStepSpec spec)
{
    private readonly WindowKernel?[] _kept = new WindowKernel?[Math.Max(4, Environment.ProcessorCount)];

    public WindowKernel Rent()
    {
        for (var i = 0; i < _kept.Length; i++)
        {
            if (_kept[i] is not null && Interlocked.Exchange(ref _kept[i], null) is { } kernel) return kernel;
        }

        return new WindowKernel(spec);
    }

    public void Return(WindowKernel kernel)
    {
        for (var i = 0; i < _kept.Length; i++)
        {
            if (_kept[i] is null && Interlocked.CompareExchange(ref _kept[i], kernel, null) is null) return;
        }
    }
}
