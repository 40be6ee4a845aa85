using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>
/// Sessions that fired and were then merged into others, or begin earlier: among the closed windows such a row ends where it starts, which no
/// window does. A sink that can take the row back deletes it; in the others it stands as the next revision, with counts of 0.
/// </summary>
public static class WithdrawnRows
{
    /// <summary>True at the rows a sink has to delete by their key; null when there are none.</summary>
    public static bool[]? Of(RowBlock closed, SinkPlan sink)
    {
        ArgumentNullException.ThrowIfNull(closed);
        ArgumentNullException.ThrowIfNull(sink);
        var start = closed.Schema.IndexOf(SideOutputs.WindowStart);
        var end = closed.Schema.IndexOf(SideOutputs.WindowEnd);
        if (start < 0 || end < 0 || !CanDelete(sink, start)) return null;
        var (starts, ends) = ((LongColumn)closed.Columns[start], (LongColumn)closed.Columns[end]);
        bool[]? deletes = null;
        for (var row = 0; row < closed.Count; row++)
        {
            if (starts.Values[row] == ends.Values[row]) (deletes ??= new bool[closed.Count])[row] = true;
        }

        return deletes;
    }

    /// <summary>A key without the window's start is of other windows too.</summary>
    private static bool CanDelete(SinkPlan sink, int start)
    {
        if (sink.Spec.Mode != SinkMode.Upsert) return false;
        for (var column = 0; column < sink.Source.Count; column++)
        {
            if (sink.Source[column] == start && sink.Spec.Keys.Contains(sink.Spec.Schema[column].Name, StringComparer.OrdinalIgnoreCase)) return true;
        }

        return false;
    }
}
