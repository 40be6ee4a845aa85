using KafkaOracleOrleans.Client.Cli;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary>Runs the test files beside this one, a pair for each kind of step, and those of the sample pipelines.</summary>
public sealed class StepFileTests : IDisposable
{
    private static readonly string Folder = Path.Combine(RepoPaths.Root, "tests", "Client.Tests", "steps");
    private readonly Kor _kor = new();

    public static TheoryData<string> Files =>
    [
        .. Directory.EnumerateFiles(Folder, "*.test.yaml").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal),
    ];

    public void Dispose() => _kor.Dispose();

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Steps_do_as_their_tests_say(string file)
    {
        var result = await _kor.RunAsync("test", Path.Combine(Folder, file));
        Assert.True(result.Code == ExitCodes.Ok, result.Out + result.Error);
    }

    [Fact]
    public async Task Sample_pipelines_are_valid_and_pass_their_tests()
    {
        var folder = Path.Combine(RepoPaths.Root, "pipelines");
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("validate", folder)).Code);
        var tests = await _kor.RunAsync("test", folder);
        Assert.True(tests.Code == ExitCodes.Ok, tests.Out + tests.Error);
    }

    [Fact]
    public async Task A_transform_of_a_host_cannot_be_run_here()
    {
        _kor.Write("custom.yaml", await File.ReadAllTextAsync(Path.Combine(Folder, "custom.yaml"), TestContext.Current.CancellationToken));
        _kor.Write("custom.test.yaml", "pipeline: custom.yaml\ntests: [{ name: x, given: [{ value: { id: a } }], expect: {} }]");
        var result = await _kor.RunAsync("test", "custom.test.yaml");
        Assert.Contains("the C# transform 'Mine'", result.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, result.Code);
    }

    [Fact]
    public async Task A_lookup_without_a_table_says_so()
    {
        _kor.Write("lookup.yaml", await File.ReadAllTextAsync(Path.Combine(Folder, "lookup.yaml"), TestContext.Current.CancellationToken));
        _kor.Write("lookup.test.yaml", "pipeline: lookup.yaml\ntests: [{ name: x, given: [{ value: { id: a, key: k } }], expect: {} }]");
        var result = await _kor.RunAsync("test", "lookup.test.yaml");
        Assert.Contains("lookups: { who: [] }", result.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, result.Code);
    }
}
