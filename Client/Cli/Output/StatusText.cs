using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Output;

/// <summary>Pipelines and their parts as tables.</summary>
internal static class StatusText
{
    /// <summary>One line per pipeline, in the order given; with <paramref name="bars"/>, the rates of the last refreshes.</summary>
    public static TableModel Pipelines(
        IEnumerable<PipelineStatus> pipelines, DateTimeOffset now, IReadOnlyDictionary<string, string>? bars = null, string? chosen = null)
    {
        TableColumn[] history = bars is null ? [] : [new("LATELY", Spare: 3)];
        var table = new TableModel(
        [
            new("PIPELINE"), new("STATE"), new("RECORDS/S", true), .. history, new("LAG", true), new("BEHIND", true, Spare: 2),
            new("CONSUMED", true, Spare: 1), new("QUARANTINED", true, Spare: 1), new("NOTE", Text: true),
        ]);
        foreach (var p in pipelines)
        {
            Cell[] rates = bars is null ? [] : [bars.GetValueOrDefault(p.Name, "")];
            table.Add(
            [
                p.Name == chosen ? "> " + p.Name : p.Name, Show.Verdict(Verdict.Of(p)), Show.Rate(p.RecordsPerSecond), .. rates, Show.Count(p.Lag),
                Show.Behind(p.Watermark, now), Show.Count(p.Counts.Consumed), Show.Count(p.Refused), Note(p.Reason),
            ]);
        }

        return table;
    }

    /// <summary>Everything about one pipeline.</summary>
    public static void Write(CliOutput output, PipelineStatus status, DateTimeOffset now)
    {
        var verdict = Verdict.Of(status);
        var tone = Show.ToneOf(verdict);
        var since = verdict.Since is { } at ? $"   since {Show.Time(at)}" : "";
        output.Line($"{status.Name}   {verdict.Word}{since}   version {Show.Count(status.Version)}   desired {status.Desired.ToString().ToLowerInvariant()}", tone);
        // The whole of it stands here once, line by line, for it may hold statements to copy; notes below begin with the same.
        var why = verdict.Sentence.Split('\n').Select(TableModel.OneLine).ToList();
        output.Field("Verdict", why[0], tone);
        foreach (var line in why.Skip(1)) output.Line("            " + line, tone);
        if (verdict.Bottleneck is not null) output.Field("Bottleneck", TableModel.OneLine(Note(verdict.Bottleneck)), Tone.Warning);
        // The first issue is the verdict above.
        foreach (var issue in status.Health.Where(h => h.Text != verdict.Sentence))
        {
            output.Field(
                "Health", $"{issue.Kind}, since {Show.Time(issue.Since)}: {TableModel.OneLine(Note(issue.Text))}", issue.Severity == PartState.Failed ? Tone.Bad : Tone.Warning);
        }

        foreach (var warning in status.Warnings) output.Field("Warning", TableModel.OneLine(warning), Tone.Warning);
        WriteNumbers(output, status, now);
        Section(output, Partitions(status));
        Section(output, Shards(status, now));
        Section(output, Sinks(status));
        Section(output, Rules(status));
    }

    private static void WriteNumbers(CliOutput output, PipelineStatus status, DateTimeOffset now)
    {
        var input = status.InputPerSecond is { } rate ? Show.Rate(rate) : "-";
        var batch = status.BatchMs is { } ms ? Show.Rate(ms) + " ms" : "-";
        output.Field("Rate", $"{Show.Rate(status.RecordsPerSecond)} records/s worked off, {input} come in; a batch takes {batch}");
        // Read and not yet in a table is lag too, though no offset shows it.
        var buffered = status.Sinks.Sum(s => (long)s.Buffered);
        output.Field(
            "Lag", $"{Show.Count(status.Lag)} records not read, {Show.Seconds(status.LagSeconds)}{(buffered > 0 ? $"; {Show.Count(buffered)} rows wait for their sinks" : "")}");
        output.Field("Watermark", $"{Show.Time(status.Watermark)} ({Show.Behind(status.Watermark, now)} behind)");
        var c = status.Counts;
        output.Field(
            "Records",
            $"{Show.Count(c.Consumed)} consumed = {Show.Count(c.Absorbed)} absorbed + {Show.Count(c.Duplicate)} duplicate + "
            + $"{Show.Count(c.Late)} late + {Show.Count(c.Filtered)} filtered + {Show.Count(c.Quarantined)} quarantined",
            c.AddsUp ? Tone.Plain : Tone.Bad);
        if (!c.AddsUp) output.Talk("kor: The counts do not add up. Please report this.");
    }

    /// <summary>The first line of a reason.</summary>
    private static string Note(string? reason)
    {
        if (reason is null) return "";
        var lines = reason.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        // A heading alone tells nothing: the first of what it heads comes with it.
        return lines.Length switch
        {
            0 => "",
            1 => lines[0],
            _ when lines[0].EndsWith(':') => $"{lines[0]} {lines[1]}{(lines.Length > 2 ? " ..." : "")}",
            _ => lines[0] + " ...",
        };
    }

    private static void Section(CliOutput output, TableModel table)
    {
        if (table.Rows.Count == 0) return;
        output.Line();
        output.Table(table);
    }

    private static TableModel Partitions(PipelineStatus status)
    {
        var table = new TableModel(
            new("PARTITION"), new("STATE"), new("POSITION", true, Spare: 2), new("END", true), new("LAG", true), new("CHECKPOINT", true, Spare: 3),
            new("RECORDS/S", true, Spare: 1), new("WATERMARK"), new("SILO", Spare: 4), new("NOTE", Text: true));
        foreach (var p in status.Partitions)
        {
            var lag = p.End is { } end && p.Position is { } position ? Math.Max(0, end - position) : (long?)null;
            table.Add(
                p.Partition, Show.State(p.State), Show.Count(p.Position), Show.Count(p.End), Show.Count(lag), Show.Count(p.Checkpoint),
                Show.Rate(p.RecordsPerSecond), Show.Time(p.Watermark), p.Silo, p.Reason is null && p.Idle ? "idle" : PartNote(status, p.Reason));
        }

        return table;
    }

    private static TableModel Shards(PipelineStatus status, DateTimeOffset now)
    {
        var table = new TableModel(
            new("STEP"), new("SHARDS", true, Spare: 3), new("STATE"), new("CELLS", true), new("OUTBOX", true), new("CLOSED", true), new("LATE", true),
            new("CHECKPOINT", true, Spare: 2), new("BEHIND", true), new("NOTE", Text: true));
        foreach (var step in status.Shards.GroupBy(s => s.Step))
        {
            var worst = step.MaxBy(s => s.State)!;
            table.Add(
                step.Key, Show.Count(step.Count()), Show.State(worst.State), Show.Count(step.Sum(s => (long)s.Cells)),
                Show.Count(step.Sum(s => (long)s.OutboxEntries)), Show.Count(step.Sum(s => s.ClosedWindows)),
                Show.Count(step.Sum(s => s.Late)), Show.Rate(step.Max(s => s.LastCheckpointMs)) + " ms",
                Show.Behind(step.Min(s => s.Watermark), now), PartNote(status, worst.Reason));
        }

        return table;
    }

    private static TableModel Sinks(PipelineStatus status)
    {
        var table = new TableModel(
            new("SINK"), new("LANES", true, Spare: 3), new("STATE"), new("WRITTEN", true), new("ALREADY", true, Spare: 1), new("BUFFERED", true),
            new("QUARANTINED", true, Spare: 2), new("FRESH", true), new("NOTE", Text: true));
        foreach (var sink in status.Sinks.GroupBy(s => s.Sink))
        {
            var worst = sink.MaxBy(s => s.State)!;
            // A lane that waits for its first row has nothing to say where others have written.
            var note = worst.State == PartState.Running && sink.Any(s => s.Written > 0) ? null : worst.Reason;
            table.Add(
                sink.Key, Show.Count(sink.Count()), Show.State(worst.State), Show.Count(sink.Sum(s => s.Written)), Show.Count(sink.Sum(s => s.Already)),
                Show.Count(sink.Sum(s => (long)s.Buffered)), Show.Count(sink.Sum(s => s.Quarantined)),
                Show.Seconds(sink.Max(s => s.FreshnessSeconds)), PartNote(status, note));
        }

        return table;
    }

    /// <summary>A part's reason, unless the verdict has it: nothing is said twice on a screen.</summary>
    private static string PartNote(PipelineStatus status, string? reason)
    {
        var note = Note(reason);
        return note.Length != 0 && status.Reason?.Contains(reason!, StringComparison.Ordinal) == true ? "see the verdict" : note;
    }

    private static TableModel Rules(PipelineStatus status)
    {
        var table = new TableModel(new("RULE"), new("FAILED", true));
        foreach (var (rule, failed) in status.Rules.OrderBy(r => r.Key, StringComparer.Ordinal)) table.Add(rule, Show.Count(failed));
        return table;
    }
}
