using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

/// <summary>
/// Patterns in the letters of other languages are found, each with what was meant, in functions and in source fields alike; what is advised is sound.
/// </summary>
public sealed class TimePatternTests
{
    /// <summary>What was written, and what is meant; null: that cannot be told.</summary>
    public static TheoryData<string, string?> Wrong => new()
    {
        // Months and minutes, hours to 12.
        { "yyyy-mm-dd", "yyyy-MM-dd" },
        { "yyyymmdd", "yyyyMMdd" },
        { "dd/mm/yyyy", "dd/MM/yyyy" },
        { "mm/dd/yyyy hh:mm:ss tt", "MM/dd/yyyy hh:mm:ss tt" },
        { "d.m.yyyy HH:mm", "d.M.yyyy HH:mm" },
        { "yyyymmddHHmmss", "yyyyMMddHHmmss" },
        { "yyyy-MM-dd HH:MM:ss", "yyyy-MM-dd HH:mm:ss" },
        { "yyyyMMddHHMMss", "yyyyMMddHHmmss" },
        { "yyyy-mm-dd HH:MM:ss", "yyyy-MM-dd HH:mm:ss" },
        { "dd.mm.yyyy HH:MM", "dd.MM.yyyy HH:mm" },
        { "yyyymmddHHMM", "yyyyMMddHHmm" },
        { "yyyy-mm-dd hh:MM tt", "yyyy-MM-dd hh:mm tt" },
        { "HH:MM yyyy-mm-dd", "HH:mm yyyy-MM-dd" },
        { "yyyy-MM-dd hh:mm:ss", "yyyy-MM-dd HH:mm:ss" },
        { "yyyy-mm-dd hh:mm", "yyyy-MM-dd HH:mm" },
        { "M/d/yyyy h:mm", "M/d/yyyy H:mm" },
        { "yyyy-MM-dd HH:mm:ss.sss", "yyyy-MM-dd HH:mm:ss.fff" },
        { "yyyy-MM-dd HH:mm:ss.fffffffff", "yyyy-MM-dd HH:mm:ss.fffffff" },
        // Oracle and PostgreSQL.
        { "YYYY-MM-DD HH24:MI:SS", "yyyy-MM-dd HH:mm:ss" },
        { "yyyy-mm-dd hh24:mi:ss", "yyyy-MM-dd HH:mm:ss" },
        { "DD-MON-RR HH.MI.SS.FF6 AM", "dd-MMM-yy hh.mm.ss.ffffff tt" },
        { "DD-MON-YYYY", "dd-MMM-yyyy" },
        { "YYYY-MM-DD\"T\"HH24:MI:SS.FF3TZH:TZM", "yyyy-MM-dd\"T\"HH:mm:ss.fffzzz" },
        { "YYYYMMDDHH24MISS", "yyyyMMddHHmmss" },
        { "DD/MM/YYYY HH:MI:SS P.M.", "dd/MM/yyyy hh:mm:ss tt" },
        { "RRRR-MM-DD", "yyyy-MM-dd" },
        // Java and Spark.
        { "yyyy-MM-dd HH:mm:ss.SSS", "yyyy-MM-dd HH:mm:ss.fff" },
        { "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "yyyy-MM-dd'T'HH:mm:ss.fffK" },
        { "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd'T'HH:mm:ssK" },
        { "yyyy-MM-dd HH:mm:ss xxx", "yyyy-MM-dd HH:mm:ss zzz" },
        { "uuuu-MM-dd", "yyyy-MM-dd" },
        { "YYYY-MM-dd", "yyyy-MM-dd" },
        { "hh:mm a dd.MM.yyyy", "hh:mm tt dd.MM.yyyy" },
        { "EEE, dd MMM yyyy kk:mm:ss", "ddd, dd MMM yyyy HH:mm:ss" },
        { "EEEE dd LLLL yyyy", "dddd dd MMMM yyyy" },
        { "yyyy-MM-dd HH:mm:ss.SSSSSS", "yyyy-MM-dd HH:mm:ss.ffffff" },
        // JavaScript's moment.
        { "YYYY-MM-DD HH:mm:ss", "yyyy-MM-dd HH:mm:ss" },
        { "DD.MM.YYYY", "dd.MM.yyyy" },
        { "YYYY-MM-DD[T]HH:mm:ss.SSSZ", "yyyy-MM-dd'T'HH:mm:ss.fffzzz" },
        { "MM/DD/YYYY hh:mm:ss A", "MM/dd/yyyy hh:mm:ss tt" },
        { "YYYY-MM-DD HH:mm:SS", "yyyy-MM-dd HH:mm:ss" },
        // Python, C, MySQL, PHP.
        { "%Y-%m-%d", "yyyy-MM-dd" },
        { "%Y-%m-%dT%H:%M:%S.%f", "yyyy-MM-dd'T'HH:mm:ss.ffffff" },
        { "%d/%m/%y %I:%M %p", "dd/MM/yy hh:mm tt" },
        { "%Y-%m-%d %H:%i:%s", "yyyy-MM-dd HH:mm:ss" },
        { "Y-m-d H:i:s", "yyyy-MM-dd HH:mm:ss" },
        { "d/m/Y", "dd/MM/yyyy" },
        // Parts that contradict each other or lack one between them.
        { "M/d/yyyy HH:mm:ss tt", "M/d/yyyy hh:mm:ss tt" },
        { "dd.MM.yyyy H:mm tt", "dd.MM.yyyy h:mm tt" },
        { "d/m/Y H:i A", "dd/MM/yyyy hh:mm tt" },
        { "yyyy-MM-dd HH:ss", "yyyy-MM-dd HH:mm:ss" },
        { "yyyyMMddHHss", "yyyyMMddHHmmss" },
        { "YYYY-MM-DD HH24:SS", "yyyy-MM-dd HH:mm:ss" },
        { "yyyy-MM-dd HH:mm.fff", null },
        { "yyyy-MM-dd tt", null },
        { "yyy-MM-dd", "yyyy-MM-dd" },
        { "yyyyy-MM-dd", "yyyy-MM-dd" },
        { "yyyy-MM-dd HHH:mm:ss", "yyyy-MM-dd HH:mm:ss" },
        { "dd MMMMM yyyy", "dd MMMM yyyy" },
        { "yyyy-MM-dd HH:mm:ss zzzz", "yyyy-MM-dd HH:mm:ss zzz" },
        { "dd-mmm-yyyy", "dd-MMM-yyyy" },
        { "DD/MM/YYYY HH:mm", "dd/MM/yyyy HH:mm" },
        { "yyyy-MM-dd'T'hh:mm:ss.SSS'Z'", "yyyy-MM-dd'T'HH:mm:ss.fff'Z'" },
        { "YYYY-MM-DDTHH:MI:SS", "yyyy-MM-ddTHH:mm:ss" },
        // What nothing stands for.
        { "yyyy-MM-dd Q", null },
        { "yyyy-'W'ww", null },
    };

    public static TheoryData<string, string, string> Right => new()
    {
        { "yyyy-MM-dd", "2026-07-31", "2026-07-31T00:00:00" },
        { "M/d/yyyy h:mm:ss tt", "7/4/2026 1:05:09 PM", "2026-07-04T13:05:09" },
        { "dd-MMM-yy hh.mm.ss.ffffff tt", "31-JUL-26 10.30.05.123456 PM", "2026-07-31T22:30:05.123456" },
        { "yyyyMMddHHmmss", "20260731223005", "2026-07-31T22:30:05" },
        { "yyyy-MM-dd'T'HH:mm:ss.fffK", "2026-07-31T22:30:05.123Z", "2026-07-31T22:30:05.123" },
        { "yyyy-MM-dd'T'HH:mm:ss.fffK", "2026-07-31T22:30:05.123+02:00", "2026-07-31T20:30:05.123" },
        { "yyyy-MM-ddTHH:mm:ssZ", "2026-07-31T22:30:05Z", "2026-07-31T22:30:05" },
        { "yyyy-MM-dd:HH:mm:ss.ffffff", "2026-07-31:22:30:05.123456", "2026-07-31T22:30:05.123456" },
        { "dd/MM/yyyy", "31/07/2026", "2026-07-31T00:00:00" },
        { "HH:mm dd.MM.yyyy", "22:30 31.07.2026", "2026-07-31T22:30:00" },
        { "dd 'of' MMMM yyyy", "31 of July 2026", "2026-07-31T00:00:00" },
        { "yyyy-MM-dd HH:mm:ss zzz", "2026-07-31 22:30:05 +02:00", "2026-07-31T20:30:05" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Functions_say_what_was_meant(string pattern, string? meant)
    {
        foreach (var call in (string[])["to_timestamp('x', '{0}')", "to_date('x', '{0}')", "format_timestamp(TIMESTAMP '2026-07-31 22:30:05', '{0}')"])
        {
            var compiled = Compile(call, pattern);
            var error = Assert.Single(compiled.Errors);
            Assert.Equal("KOR3020", error.Code);
            Assert.Equal(meant, error.Suggestion);
            if (meant is not null) Assert.DoesNotContain(Compile(call, meant).Errors, e => e.Code == "KOR3020");
        }
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Source_fields_say_what_was_meant(string pattern, string? meant)
    {
        string With(string p) => Base.Replace("pattern: epoch_ms", $"pattern: '{p.Replace("'", "''", StringComparison.Ordinal)}'", StringComparison.Ordinal);
        var error = Assert.Single(Definition.PipelineTexts.Compile(With(pattern)).Diagnostics);
        Assert.Equal("KOR2028", error.Code);
        Assert.Equal(meant, error.Suggestion);
        if (meant is not null) Assert.Empty(Definition.PipelineTexts.Compile(With(meant)).Diagnostics);
    }

    [Theory]
    [MemberData(nameof(Right))]
    public void Sound_patterns_read_what_they_say(string pattern, string text, string time)
    {
        Assert.Empty(Compile($"to_timestamp('{text}', '{{0}}')", pattern).Errors);
        Assert.Equal(time, Value($"to_timestamp('{text}', '{pattern.Replace("'", "''", StringComparison.Ordinal)}')"));
        var plan = PlanOf(Base.Replace("pattern: epoch_ms", $"pattern: '{pattern.Replace("'", "''", StringComparison.Ordinal)}'", StringComparison.Ordinal));
        Assert.Equal(TimeEncoding.Pattern, plan.Source.Format!.Fields[^1].Encoding);
    }

    /// <summary>What can be written, and read by nobody.</summary>
    public static TheoryData<string, string?, string> Unreadable => new()
    {
        { "yyyy dd", "yyyy MM dd", "no month" },
        { "yyyy-dd", "yyyy-MM-dd", "no month" },
        { "dd.yyyy", "dd.MM.yyyy", "no month" },
        { "yyyy-MM-dd mm:ss", null, "no hour" },
        { "yyyy-MM-dd ss", null, "no hour" },
        { "dddd MMMM yyyy", null, "day of the month" },
        { "HH:mm:ss", null, "no year" },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public void Patterns_that_leave_a_part_out_are_refused_for_reading(string pattern, string? meant, string part)
    {
        var error = Assert.Single(Compile("to_timestamp('x', '{0}')", pattern).Errors);
        Assert.Equal(meant, error.Suggestion);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.Empty(Compile("format_timestamp(TIMESTAMP '2026-07-31 22:30:05', '{0}')", pattern).Errors);
        var refused = Assert.Single(Definition.PipelineTexts.Compile(Base.Replace("pattern: epoch_ms", $"pattern: '{pattern}'", StringComparison.Ordinal)).Diagnostics);
        Assert.Equal(("KOR2028", meant), (refused.Code, refused.Suggestion));
    }

    [Theory]
    [InlineData("to_timestamp('22:30:05', 'HH:mm:ss')", "year")]
    [InlineData("to_date('31 07', 'dd MM')", "year")]
    [InlineData("to_timestamp('2026 26', 'yyyy yy')", "stands for the same")]
    public void What_cannot_be_read_right_is_refused(string text, string part)
    {
        var error = Assert.Single(ExpressionCompiler.Compile(text, Schema.Empty).Errors);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HH:mm", "22:30")]
    [InlineData("hh:mm tt", "10:30 PM")]
    [InlineData("dddd d MMMM", "Friday 31 July")]
    [InlineData("yyyyMMdd-HHmm", "20260731-2230")]
    public void Times_can_be_written_without_a_year(string pattern, string text) =>
        Assert.Equal(text, Value($"format_timestamp(TIMESTAMP '2026-07-31 22:30:05', '{pattern}')"));

    [Theory]
    [InlineData("epoc_ms", "epoch_ms")]
    [InlineData("epoch_nss", "epoch_ns")]
    [InlineData("epoch_day", "epoch_days")]
    public void Words_for_times_are_suggested(string word, string meant) => Assert.Equal(
        meant, Assert.Single(Definition.PipelineTexts.Compile(Base.Replace("pattern: epoch_ms", $"pattern: {word}", StringComparison.Ordinal)).Diagnostics).Suggestion);

    private static CompiledExpressionResult Compile(string call, string pattern)
    {
        var result = ExpressionCompiler.Compile(
            string.Format(System.Globalization.CultureInfo.InvariantCulture, call, pattern.Replace("'", "''", StringComparison.Ordinal)), Schema.Empty);
        return new CompiledExpressionResult(result.Errors);
    }

    private sealed record CompiledExpressionResult(IReadOnlyList<ExpressionError> Errors);

    private static string Value(string text)
    {
        var compiled = ExpressionCompiler.Compile(text, Schema.Empty);
        Assert.Empty(compiled.Errors);
        var outcome = Testing.ExpressionTrial.EvaluateOnce(compiled.Expression!, 0);
        Assert.Equal(0, outcome.Errors.Count);
        return outcome.Results is LongColumn time ? Records.RawBatches.ShowTime(time.Values[0]) : Testing.ColumnText.Text(outcome.Results, 0);
    }
}
