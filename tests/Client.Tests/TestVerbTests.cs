using System.Text.Json;
using KafkaOracleOrleans.Client.Cli;

namespace KafkaOracleOrleans.Client.Tests;

public sealed class TestVerbTests : IDisposable
{
    private const string Given =
        """given: [ { key: k1, value: { id: a, amount: 1.50 } }, { value: { id: b, amount: -1 } }, { raw: "{" } ]""";

    private readonly Kor _kor = new();

    public TestVerbTests() => _kor.Write("payments.yaml", Samples.Payments);

    public void Dispose() => _kor.Dispose();

    private Task<KorResult> RunAsync(string expect, string given = Given, params string[] args)
    {
        _kor.Write("payments.test.yaml", $"pipeline: payments.yaml\ntests:\n  - name: it works\n    {given}\n    expect: {expect}\n");
        return _kor.RunAsync(["test", "payments.test.yaml", .. args]);
    }

    [Fact]
    public async Task A_test_that_passes()
    {
        var result = await RunAsync("{ rows: { good: [ { id: a, amount: 1.5 } ], quarantined: 1 }, counts: { consumed: 3, absorbed: 1, filtered: 1, quarantined: 1 } }");
        Assert.Equal("payments.test.yaml\n  ok   it works\n", result.Out);
        Assert.StartsWith("1 passed, 0 failed, ", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, result.Code);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Many_files_have_a_bar_where_somebody_sees_it(bool terminal)
    {
        _kor.ErrorTerminal = terminal;
        for (var i = 0; i < 3; i++)
            _kor.Write($"p{i}.test.yaml", $"pipeline: payments.yaml\ntests:\n  - name: t\n    {Given}\n    expect: {{ counts: {{ consumed: 3 }} }}\n");
        var result = await _kor.RunAsync("test", "p*.test.yaml");
        Assert.Equal(ExitCodes.Ok, result.Code);
        Assert.DoesNotContain('\r', result.Out);
        Assert.Equal(terminal, result.Error.Contains("[########................] 1 of 3 files p1.test.yaml", StringComparison.Ordinal));
        Assert.Equal(terminal, result.Error.Contains('\r', StringComparison.Ordinal));
        Assert.Equal("3 passed, 0 failed", result.Error.Split("\u001b[K")[^1][.."3 passed, 0 failed".Length]);
    }

    [Fact]
    public async Task A_test_that_fails_shows_what_differs_and_why()
    {
        var result = await RunAsync("{ rows: { good: [ { id: a, amount: 2.5 }, { id: c, amount: 3 } ] }, counts: { consumed: 4 } }");
        Assert.Equal(
            """
            payments.test.yaml
              FAIL it works
                   good[0].amount   payments.test.yaml(5)
                     expected    2.5
                     actual      1.50
                   good[1]   payments.test.yaml(5)
                     missing     { id: c, amount: 3 }
                   counts.consumed   payments.test.yaml(5)
                     expected    4
                     actual      3
                     hint: the record at offset 2 was quarantined by source.value: KOR4006: 
            """.ReplaceLineEndings("\n"),
            result.Out[..(result.Out.IndexOf("KOR4006: ", StringComparison.Ordinal) + 9)]);
        Assert.StartsWith("0 passed, 1 failed, ", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, result.Code);
    }

    [Fact]
    public async Task Rows_that_nobody_expects_fail()
    {
        var result = await RunAsync("{ rows: { good: [] } }");
        Assert.Contains("unexpected  { id: a, amount: 1.50", result.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, result.Code);
    }

    [Theory]
    [InlineData("{ rows: { godo: 1 } }", "KOR6003", "Did you mean 'good'?")]
    [InlineData("{ rows: { good: [ { idd: a } ] } }", "KOR6004", "Did you mean 'id'?")]
    [InlineData("{ rows: { good: [ { amount: much } ] } }", "KOR6005", "decimal(10,2)")]
    [InlineData("{ counts: { consumd: 1 } }", "KOR6003", "Did you mean 'consumed'?")]
    [InlineData("{ rules: { a.b: 1 } }", "KOR6003", "no rule 'a.b'; there is none")]
    [InlineData("{ row: { good: 1 } }", "KOR1020", "Did you mean 'rows'?")]
    public async Task A_faulty_test_file_is_refused(string expect, string code, string message)
    {
        var result = await RunAsync(expect);
        Assert.Contains($"error {code}", result.Out, StringComparison.Ordinal);
        Assert.Contains(message, result.Out, StringComparison.Ordinal);
        Assert.Contains("1 file not run", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Config, result.Code);
    }

    [Theory]
    [InlineData("given: [ { value: { id: a }, raw: x } ]")]
    [InlineData("given: [ {} ]")]
    [InlineData("given: [ { batch: [ { raw: a }, { raw: b, partition: 1 } ] } ]")]
    [InlineData("given: [ { raw: a, offset: 5 }, { raw: b, offset: 5 } ]")]
    public async Task A_record_is_one_thing_and_comes_after_the_one_before(string given)
    {
        var result = await RunAsync("{}", given);
        Assert.Contains("error KOR6002", result.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Config, result.Code);
    }

    [Fact]
    public async Task A_pipeline_that_is_refused_can_be_expected()
    {
        _kor.Write("broken.yaml", Samples.Broken);
        var good = await RunAsync("{ errors: [KOR2003] }", "pipeline: broken.yaml");
        Assert.Equal(ExitCodes.Ok, good.Code);
        var bad = await RunAsync("{ errors: [KOR2002] }", "pipeline: broken.yaml");
        Assert.Contains("expected    KOR2002\n         actual      KOR2003", bad.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, bad.Code);
        var unexpected = await RunAsync("{ rows: {} }", "pipeline: broken.yaml");
        Assert.Contains("broken.yaml(10,38): error KOR2003", unexpected.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Config, unexpected.Code);
    }

    [Fact]
    public async Task A_pipeline_that_is_missing_is_named()
    {
        var result = await RunAsync("{}", "pipeline: nothing.yaml");
        Assert.Contains("error KOR6001: there is no pipeline file 'nothing.yaml'", result.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Config, result.Code);
    }

    [Fact]
    public async Task Results_come_as_json()
    {
        var result = await RunAsync("{ counts: { late: 1 } }", Given, "-o", "json");
        var test = JsonDocument.Parse(result.Out).RootElement[0].GetProperty("tests")[0];
        Assert.False(test.GetProperty("passed").GetBoolean());
        Assert.Equal("counts.late", test.GetProperty("failures")[0].GetProperty("place").GetString());
        Assert.Equal(ExitCodes.Failed, result.Code);
    }

    [Fact]
    public async Task Tests_are_chosen_by_name()
    {
        Assert.Equal(ExitCodes.Ok, (await RunAsync("{}", Given, "--filter", "WORKS")).Code);
        Assert.Equal(ExitCodes.NotFound, (await RunAsync("{}", Given, "--filter", "nothing")).Code);
    }

    [Fact]
    public async Task The_schema_of_test_files_is_json()
    {
        var schema = JsonDocument.Parse((await _kor.RunAsync("schema", "--tests")).Out).RootElement;
        Assert.True(schema.GetProperty("definitions").TryGetProperty("record", out _));
    }
}
