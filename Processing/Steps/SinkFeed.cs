using System.Text;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>Makes the rows of one record sink out of a batch: chosen rows, in the columns of its table.</summary>
internal sealed class SinkFeed(SinkPlan sink, Column[] sourceColumns, int pipelineVersion)
{
    private int[] _rows = [];

    public SinkPlan Sink => sink;

    /// <summary>
    /// The request for selected rows of a block, with the deletions among them in their places; null when there are
    /// none at all.
    /// </summary>
    public SinkRequest? Build(Column[] columns, Selection selected, BatchScope scope)
    {
        var deletes = sink.DeleteOnTombstone ? scope.Tombstones : null;
        if (deletes is not { Count: > 0 })
            return selected.Count == 0 ? null : Build(columns, selected.Span, null, scope);
        var rows = Merge(selected.Span, deletes.Span);
        var deleted = new bool[rows.Length];
        for (var i = 0; i < rows.Length; i++) deleted[i] = scope.Batch.IsDelete(rows[i]);
        return Build(columns, rows, deleted, scope);
    }

    /// <summary>
    /// The request for rows that are there already, one column per input field; row i came from raw record
    /// <c>rows[i]</c>.
    /// </summary>
    public SinkRequest Build(Column[] gathered, int[] rows, BatchScope scope)
    {
        var columns = new Column[sink.Source.Count];
        for (var i = 0; i < columns.Length; i++)
        {
            var source = sink.Source[i];
            columns[i] = source >= 0 ? gathered[source] : Metadata((MetadataColumn)(-1 - source), rows, scope);
        }

        return Request(columns, rows, null, scope);
    }

    private SinkRequest Build(Column[] input, ReadOnlySpan<int> rows, bool[]? deletes, BatchScope scope)
    {
        var columns = new Column[sink.Source.Count];
        for (var i = 0; i < columns.Length; i++)
        {
            var source = sink.Source[i];
            if (source < 0)
            {
                columns[i] = Metadata((MetadataColumn)(-1 - source), rows, scope);
                continue;
            }

            columns[i] = ColumnGather.Rows(input[source], rows);
            // A deletion has only what came from its key; columns that steps compute were not computed for it.
            if (deletes is not null && Array.IndexOf(sourceColumns, input[source]) < 0) ClearDeleted(columns[i],
                deletes);
        }

        return Request(columns, rows, deletes, scope);
    }

    private SinkRequest Request(Column[] columns, ReadOnlySpan<int> rows, bool[]? deletes, BatchScope scope)
    {
        var offsets = new long[rows.Length];
        for (var i = 0; i < offsets.Length; i++) offsets[i] = scope.Raw.Offsets[rows[i]];
        return new SinkRequest
        {
            Sink = sink,
            Rows = new RowBlock(sink.Spec.Schema, columns, rows.Length),
            Offsets = offsets,
            Deletes = deletes,
            Raw = ColumnGather.Raw(scope.Raw, rows),
        };
    }

    private ReadOnlySpan<int> Merge(ReadOnlySpan<int> rows, ReadOnlySpan<int> deletes)
    {
        if (_rows.Length < rows.Length + deletes.Length) _rows = new int[rows.Length + deletes.Length];
        int r = 0, d = 0, n = 0;
        while (r < rows.Length || d < deletes.Length)
            _rows[n++] = d == deletes.Length || (r < rows.Length && rows[r] < deletes[d]) ? rows[r++] : deletes[d++];
        return _rows.AsSpan(0, n);
    }

    private static void ClearDeleted(Column column, bool[] deletes)
    {
        for (var i = 0; i < deletes.Length; i++)
        {
            if (deletes[i]) column.SetNull(i);
        }
    }

    private Column Metadata(MetadataColumn kind, ReadOnlySpan<int> rows, BatchScope scope)
    {
        if (kind == MetadataColumn.Topic)
        {
            var topic = new BinaryColumn(FieldType.String);
            topic.EnsureCapacity(rows.Length);
            var name = Encoding.UTF8.GetBytes(scope.Raw.Topic);
            for (var i = 0; i < rows.Length; i++) topic.Set(i, name);
            return topic;
        }

        var column = new LongColumn(MetadataColumns.Field(kind).Type);
        column.EnsureCapacity(rows.Length);
        for (var i = 0; i < rows.Length; i++)
        {
            var timestamp = scope.Raw.Timestamps[rows[i]];
            if (kind == MetadataColumn.Timestamp && timestamp < 0) column.SetNull(i);
            else column.Set(i, Value(kind, rows[i], timestamp, scope));
        }

        return column;
    }

    private long Value(MetadataColumn kind, int row, long timestamp, BatchScope scope) => kind switch
    {
        MetadataColumn.Partition => scope.Raw.Partition,
        MetadataColumn.Offset => scope.Raw.Offsets[row],
        MetadataColumn.Timestamp => timestamp * 1000,
        MetadataColumn.ProcessedAt => scope.Now * 1000,
        MetadataColumn.PipelineVersion => pipelineVersion,
        MetadataColumn.Position => scope.PositionOf(row),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such metadata column."),
    };
}

/// <summary>The columns of side outputs that are no step's own: late rows and refused rows.</summary>
internal static class SideRows
{
    /// <summary>The input's fields, and which window was missed by how much.</summary>
    public static (Column[] Columns, int[] Rows) Late(Column[] input, List<(int Row, LateOffset Late)> late)
    {
        var rows = new int[late.Count];
        LongColumn start = New(FieldType.Timestamp, rows), end = New(FieldType.Timestamp, rows),
            by = New(FieldType.Integer, rows);
        var reason = (BinaryColumn)Column.Create(FieldType.String, Math.Max(1, rows.Length));
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = late[i].Row;
            start.Set(i, WindowTime.ToTimestamp(late[i].Late.WindowStart));
            end.Set(i, WindowTime.ToTimestamp(late[i].Late.WindowEnd));
            by.Set(i, late[i].Late.LateBy);
            reason.Set(i, late[i].Late.Reason == LateReason.Idle ? "idle"u8 : "watermark"u8);
        }

        return ([.. input.Select(c => ColumnGather.Rows(c, rows)), start, end, by, reason], rows);
    }

    /// <summary>The fields of <see cref="SideOutputs.Quarantined"/>.</summary>
    public static (Column[] Columns, int[] Rows) Refused(List<(RowError Error, string Place)> refused, BatchScope scope)
    {
        var block = new RowBlock(SideOutputs.Quarantined, refused.Count);
        var rows = new int[refused.Count];
        for (var i = 0; i < rows.Length; i++)
        {
            var (error, place) = refused[i];
            rows[i] = error.Row;
            Set(block, 0, i, Encoding.UTF8.GetBytes(place));
            Set(block, 1, i, Encoding.UTF8.GetBytes(error.Code));
            Set(block, 2, i, Encoding.UTF8.GetBytes(error.Message));
            if (scope.Raw.KeyLength[error.Row] < 0) block.Columns[3].SetNull(i);
            else Set(block, 3, i, scope.Raw.Key(error.Row));
            if (scope.Raw.ValueLength[error.Row] < 0) block.Columns[4].SetNull(i);
            else Set(block, 4, i, scope.Raw.Value(error.Row));
        }

        return (block.Columns, rows);
    }

    private static void Set(RowBlock block, int column, int row, ReadOnlySpan<byte> value) =>
        ((BinaryColumn)block.Columns[column]).Set(row, value);

    private static LongColumn New(FieldType type, int[] rows)
    {
        var column = new LongColumn(type);
        column.EnsureCapacity(rows.Length);
        return column;
    }
}
