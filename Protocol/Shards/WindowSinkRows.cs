using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Protocol.Shards;

/// <summary>Closed windows in the columns of a sink's table.</summary>
internal static class WindowSinkRows
{
    /// <summary>
    /// Columns are shared with the closed rows, not copied. Of the metadata only the time of processing and the pipeline's version mean something for
    /// a window; its records come from many places, so topic, partition, offset and timestamp are NULL.
    /// </summary>
    public static RowBlock Of(RowBlock closed, SinkPlan sink, int version, long nowMicros)
    {
        var columns = new Column[sink.Source.Count];
        for (var i = 0; i < columns.Length; i++)
        {
            var source = sink.Source[i];
            columns[i] = source >= 0
                ? closed.Columns[source]
                : Metadata((MetadataColumn)(-1 - source), sink.Spec.Schema[i].Type, closed.Count, version, nowMicros);
        }

        return new RowBlock(sink.Spec.Schema, columns, closed.Count);
    }

    private static Column Metadata(MetadataColumn kind, FieldType type, int rows, int version, long nowMicros)
    {
        var column = Column.Create(type, rows);
        for (var row = 0; row < rows; row++)
        {
            switch (kind)
            {
                case MetadataColumn.ProcessedAt:
                    ((LongColumn)column).Set(row, nowMicros);
                    break;
                case MetadataColumn.PipelineVersion:
                    ((LongColumn)column).Set(row, version);
                    break;
                default:
                    column.SetNull(row);
                    break;
            }
        }

        return column;
    }
}
