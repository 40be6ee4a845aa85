using KafkaOracleOrleans.Processing.Diagnostics;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <summary>Every fault is found, at its place, with its code.</summary>
public sealed class BadPipelineTests
{
    public static TheoryData<string> Names => [.. BadPipelines.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Fault_is_found_at_its_place(string name)
    {
        var test = BadPipelines.All.Single(c => c.Name == name);
        var (text, places) = BadPipelines.TextOf(test);

        var errors = Compile(text).Errors().ToList();

        var all = string.Join('\n', errors);
        var place = 0;
        foreach (var expectation in test.Expected)
        {
            var parts = expectation.Split(' ', 2);
            var code = parts[0].Split('@')[0];
            var at = parts[0].Contains('@', StringComparison.Ordinal) ? $"({parts[0].Split('@')[1]}"
                : place < places.Count ? places[place++] : "";
            var at2 = at;
            if (places.Count > 0 && at.Length == 0) at2 = places[^1];
            var found = errors.FirstOrDefault(e => e.Code.StartsWith(code, StringComparison.Ordinal)
                && e.ToString().Contains(at2, StringComparison.Ordinal)
                && (parts.Length == 1 || e.ToString().Contains(parts[1], StringComparison.Ordinal)));
            Assert.True(found is not null, $"expected {expectation} at {at2}\n{all}\n\n{text}");
            errors.Remove(found!);
        }

        Assert.True(errors.Count == 0, $"not expected:\n{string.Join('\n', errors)}\n\n{text}");
    }

    [Fact]
    public void Names_are_distinct_and_there_are_enough_of_them()
    {
        Assert.Equal(BadPipelines.All.Count, BadPipelines.All.Select(c => c.Name).Distinct().Count());
        Assert.True(BadPipelines.All.Count >= 100);
    }

    [Fact]
    public void Every_code_of_pipeline_files_has_a_test()
    {
        var tested = BadPipelines.All.SelectMany(c => c.Expected).Select(e => e.Split(' ', '@')[0]).ToHashSet();
        // Limits are tested in YamlTests; warnings below and in the tests of dedup.
        string[] elsewhere = ["KOR1004", "KOR2014", "KOR2020", "KOR2060", "KOR2061", "KOR2062", "KOR2063"];

        var untested = ErrorCatalog.All.Select(e => e.Code)
            .Where(c => c.StartsWith("KOR1", StringComparison.Ordinal)
                || c.StartsWith("KOR2", StringComparison.Ordinal))
            .Except(tested).Except(elsewhere);

        Assert.Empty(untested);
    }

    [Fact]
    public void All_faults_of_a_file_are_found_in_one_run()
    {
        var text = Base.Replace("connection: main", "connection: mian", StringComparison.Ordinal)
            .Replace("decimal(12,2)", "decimal(99)", StringComparison.Ordinal)
            .Replace("total > 0", "totl > 0", StringComparison.Ordinal)
            .Replace("key: [order_id]", "key: [ordr_id]", StringComparison.Ordinal)
            .Replace("tumbling: 5m", "tumbling: 5 minutes", StringComparison.Ordinal)
            .Replace("from: more", "from: moer", StringComparison.Ordinal)
            .Replace("table: TOTALS_T", "tabel: TOTALS_T", StringComparison.Ordinal);

        var codes = Compile(text).Errors().Select(e => (e.Line, e.Code)).ToArray();

        Assert.Equal(
            [
                (4, "KOR2029"), (9, "KOR1012"), (16, "KOR2003"), (23, "KOR2003"), (27, "KOR1012"), (32, "KOR2002"),
                (33, "KOR1021"), (33, "KOR1020"),
            ],
            codes);
    }

    [Fact]
    public void A_fault_is_not_told_twice_where_its_field_is_used()
    {
        var errors = Compile(Base.Replace("amount * 2", "amuont * 2", StringComparison.Ordinal)).Errors().ToArray();

        var error = Assert.Single(errors);
        Assert.Equal("p.yaml(15,43): error KOR2003: " + error.Message + " Did you mean 'amount'?", error.ToString());
        Assert.Equal("$.steps[0].set.total", error.Path);
    }

    [Fact]
    public void Warnings_do_not_stop_a_pipeline()
    {
        var short_ = Compile(Base.Replace("within: 1h", "within: 10s", StringComparison.Ordinal));
        var warning = Assert.Single(short_.Diagnostics);
        Assert.Equal(("KOR2014", Severity.Warning, 23), (warning.Code, warning.Severity, warning.Line));
        Assert.NotNull(short_.Plan);

        var nullable = Compile(Base.Replace("onFail: drop", "onFail: tag", StringComparison.Ordinal));
        warning = Assert.Single(nullable.Diagnostics);
        Assert.Equal(("KOR2020", Severity.Warning, 29, 15),
            (warning.Code, warning.Severity, warning.Line, warning.Column));
        Assert.NotNull(nullable.Plan);
    }
}
