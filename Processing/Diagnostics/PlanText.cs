using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <summary>A plan for people: a script that can be run as it is, with what it is about in its comments.</summary>
public static class PlanText
{
    /// <summary>The text.</summary>
    public static string Of(PipelinePlanReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        Comment(text, report.Pipeline is null ? $"{report.File}: not a valid pipeline" : $"{report.File}: pipeline {report.Pipeline}");
        foreach (var line in report.Diagnostics) Comment(text, "  " + line);
        foreach (var connection in report.Tables.GroupBy(t => t.Connection, StringComparer.Ordinal))
        {
            text.Append('\n');
            Comment(text, $"connection {connection.Key}");
            foreach (var table in connection) Of(text, table);
        }

        if (report.RunningVersion is { } version)
        {
            text.Append('\n');
            Comment(text, string.Create(CultureInfo.InvariantCulture, $"state of version {version}, which runs"));
            var width = report.State.Max(s => s.Step.Length);
            foreach (var effect in report.State) Comment(text, $"  {effect.Step.PadRight(width)}  {effect.Effect,-8} {effect.Text}");
        }

        return text.Append('\n').ToString();
    }

    private static void Of(StringBuilder text, TablePlan table)
    {
        // What is no sink has a word of its own, or several.
        var what = $"  {table.Table} ({(table.Sink == "quarantine" || table.Sink.Contains(' ', StringComparison.Ordinal) ? table.Sink : "sink " + table.Sink)})";
        if (table.Differences.Count > 0)
        {
            Comment(text, what + (table.Unknown ? ": could not be looked at" : ": does not fit"));
            foreach (var difference in table.Differences) Comment(text, "    - " + difference.Replace("\n", "\n      ", StringComparison.Ordinal));
            if (table.Statements.Count == 0) return;
            Comment(text, table.ByItself ? "    the rest a silo runs at start, or a DBA before" : "    the rest is to be run by a DBA");
        }
        else if (table.Statements.Count == 0)
        {
            Comment(text, what + ": fits, nothing to do");
            return;
        }
        else
        {
            Comment(text, what + (table.ByItself ? ": a silo runs this at start, or a DBA before" : ": to be run by a DBA"));
        }

        foreach (var statement in table.Statements)
        {
            text.Append(statement.TrimEnd());
            text.Append(statement.TrimEnd().EndsWith(';') ? "\n" : ";\n");
        }
    }

    private static void Comment(StringBuilder text, string lines)
    {
        foreach (var line in lines.Split('\n')) text.Append("-- ").Append(line.TrimEnd('\r')).Append('\n');
    }
}

/// <summary>Findings for people: one line each, failures with what to do.</summary>
public static class FindingText
{
    /// <summary>The text.</summary>
    public static string Of(IReadOnlyList<Finding> findings)
    {
        ArgumentNullException.ThrowIfNull(findings);
        var text = new StringBuilder();
        var subject = findings.Count == 0 ? 0 : findings.Max(f => f.Subject.Length);
        var check = findings.Count == 0 ? 0 : findings.Max(f => f.Check.Length);
        foreach (var finding in findings)
        {
            text.Append(WordOf(finding.Status)).Append("  ").Append(finding.Subject.PadRight(subject)).Append("  ")
                .Append(finding.Check.PadRight(check)).Append("  ").Append(OneLine(finding.Text)).Append('\n');
            if (finding.Remedy is null) continue;
            var indent = new string(' ', subject + check + 10);
            var first = true;
            foreach (var line in finding.Remedy.Split('\n'))
            {
                text.Append(indent).Append(first ? "-> " : "   ").Append(line).Append('\n');
                first = false;
            }
        }

        var failed = findings.Count(f => f.Status == FindingStatus.Failed);
        var warned = findings.Count(f => f.Status == FindingStatus.Warning);
        text.Append(CultureInfo.InvariantCulture, $"\n{findings.Count} checks: {failed} failed, {warned} with a warning.\n");
        return text.ToString();
    }

    /// <summary>The status in four letters.</summary>
    public static string WordOf(FindingStatus status) => status switch
    {
        FindingStatus.Ok => "ok  ",
        FindingStatus.Warning => "warn",
        _ => "FAIL",
    };

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}

/// <summary>Drivers for people.</summary>
public static class DriverText
{
    /// <summary>The text.</summary>
    public static string Of(IReadOnlyList<DriverInfo> drivers)
    {
        ArgumentNullException.ThrowIfNull(drivers);
        var text = new StringBuilder();
        var provider = drivers.Max(d => d.Provider.Length);
        var name = drivers.Max(d => d.Driver.Length);
        var version = drivers.Max(d => (d.Version ?? "missing").Length);
        text.Append("DATABASE".PadRight(provider)).Append("  ").Append("DRIVER".PadRight(name)).Append("  ").Append("VERSION".PadRight(version)).Append("  NOTE\n");
        foreach (var d in drivers)
        {
            text.Append(
                $"{d.Provider.PadRight(provider)}  {d.Driver.PadRight(name)}  {(d.Version ?? "missing").PadRight(version)}  {d.Note}".TrimEnd()).Append('\n');
        }

        return text.ToString();
    }
}
