using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Protocol.Writers;

/// <summary>Which rows of a call go into which transaction, in order.</summary>
internal static class CallParts
{
    /// <summary>The first row that the lane has not committed before.</summary>
    public static int FirstFresh(WriterCall call, long progress)
    {
        var first = 0;
        while (first < call.Rows.Count && call.Order[first] < progress) first++;
        return first;
    }

    /// <summary>
    /// The rows from <paramref name="first"/> on, as many as go at once. A part brings the lane to its next row's place: rows of one place may be
    /// written twice after a crash, which their key or revision makes harmless. What is played again from quarantine leaves it with all its rows.
    /// </summary>
    public static SinkWrite Next(WriterCall call, int first, int atOnce)
    {
        var rest = call.Rows.Count - first;
        var count = call.Released is { Count: > 0 } ? rest : Math.Min(rest, atOnce);
        var progress = count == rest ? call.Progress : call.Order[first + count];
        if (first == 0 && count == call.Rows.Count)
            return new SinkWrite(call.Rows, progress, call.Deletes, OriginOf(call, 0, count)) { Released = call.Released ?? [] };
        var end = first + count;
        return new SinkWrite(RowBlocks.Slice(call.Rows, first, count), progress, call.Deletes?[first..end], OriginOf(call, first, count));
    }

    private static QuarantineOrigin? OriginOf(WriterCall call, int first, int count)
    {
        if (call.Raw is null) return null;
        var rows = new int[count];
        for (var i = 0; i < count; i++) rows[i] = first + i;
        return new QuarantineOrigin(call.Raw, rows);
    }
}
