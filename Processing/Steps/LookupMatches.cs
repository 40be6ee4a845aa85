using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// The rows of one key as bytes of a cache: in the order of the step, each with the time in which it is valid. The order is a matter of the rows alone, whatever
/// order a database gives them in: rows that no column of the order tells apart are told apart by all added fields.
/// </summary>
internal sealed class LookupMatches(LookupPlan plan)
{
    private const string Format = "lookup rows";
    private readonly List<(int Start, int Length)> _found = [];
    private ByteWriter _bytes;
    private ByteWriter _row;

    /// <summary>Rows of a key, given as places in columns as read: the added fields, then those of the time.</summary>
    public byte[] Encode(Column[] columns, IReadOnlyList<int> rows)
    {
        var order = rows.ToArray();
        Array.Sort(order, (a, b) => Compare(columns, a, b));
        var added = columns[..plan.Added];
        _bytes.Clear();
        _bytes.VarUInt((ulong)order.Length);
        foreach (var row in order)
        {
            var (from, to) = ValidityOf(columns, row, order);
            _bytes.VarInt(from);
            _bytes.VarInt(to);
            _row.Clear();
            GroupKeyCodec.Append(added, row, ref _row);
            _bytes.Block(_row.Written);
        }

        return _bytes.ToArray();
    }

    /// <summary>
    /// The rows that count at an event time, µs, as places in the bytes, the first in front. All of them where the step asks for no time. The list is used again.
    /// </summary>
    public IReadOnlyList<(int Start, int Length)> Find(byte[] rows, long at)
    {
        _found.Clear();
        var reader = new ByteReader(rows, Format);
        var count = reader.Count(rows.Length, "the number of rows");
        for (var i = 0; i < count; i++)
        {
            var (from, to) = (reader.VarInt(), reader.VarInt());
            var length = reader.Block().Length;
            if (plan.AsOf is null || (from <= at && at < to)) _found.Add((reader.Position - length, length));
        }

        return _found;
    }

    private (long From, long To) ValidityOf(Column[] columns, int row, int[] all)
    {
        if (plan.AsOf is not { } asOf) return (long.MinValue, long.MaxValue);
        var from = TimeOf(columns[asOf.From], row, long.MinValue);
        if (asOf.To >= 0) return (from, TimeOf(columns[asOf.To], row, long.MaxValue));
        // Until the next one begins.
        var to = long.MaxValue;
        foreach (var other in all)
        {
            var next = TimeOf(columns[asOf.From], other, long.MinValue);
            if (next > from && next < to) to = next;
        }

        return (from, to);
    }

    private static long TimeOf(Column column, int row, long none) => column.IsNull[row] ? none : ((LongColumn)column).Values[row];

    private int Compare(Column[] columns, int a, int b)
    {
        foreach (var (value, descending) in plan.Order)
        {
            if (Compare(columns[value], a, b, descending) is var told and not 0) return told;
        }

        if (plan.AsOf is { } asOf && Compare(columns[asOf.From], a, b, true) is var newer and not 0) return newer;
        for (var i = 0; i < plan.Added; i++)
        {
            if (Compare(columns[i], a, b, false) is var told and not 0) return told;
        }

        return 0;
    }

    private static int Compare(Column column, int a, int b, bool descending)
    {
        // NULL comes last in either direction.
        if (column.IsNull[a] || column.IsNull[b]) return column.IsNull[a].CompareTo(column.IsNull[b]);
        var order = column switch
        {
            LongColumn c => c.Values[a].CompareTo(c.Values[b]),
            DecimalColumn c => c.Values[a].CompareTo(c.Values[b]),
            DoubleColumn c => c.Values[a].CompareTo(c.Values[b]),
            BooleanColumn c => c.Values[a].CompareTo(c.Values[b]),
            BinaryColumn c => c.Span(a).SequenceCompareTo(c.Span(b)),
            _ => throw new NotSupportedException($"Rows are not ordered by a {column.Type}."),
        };
        return descending ? -order : order;
    }
}
