using System.Text.RegularExpressions;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Documents made from code are what the code would make. KOR_UPDATE_DOCS=1 rewrites them.</summary>
public sealed partial class DocumentationTests
{
    private const string Begin = "<!-- generated from the options: KOR_UPDATE_DOCS=1 dotnet test --project tests/Silo.Tests -->";
    private const string End = "<!-- end of the generated part -->";

    [Fact]
    public void The_configuration_reference_is_current()
    {
        var path = RepoPaths.Under("docs", "configuration.md");
        var text = File.ReadAllText(path);
        var begin = text.IndexOf(Begin, StringComparison.Ordinal);
        var end = text.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, "docs/configuration.md has no generated part.");
        var current = text[..(begin + Begin.Length)] + "\n" + ConfigurationReference.Write() + "\n" + text[end..];
        if (Environment.GetEnvironmentVariable("KOR_UPDATE_DOCS") == "1") File.WriteAllText(path, current);
        Assert.Equal(current, File.ReadAllText(path));
    }

    [Fact]
    public void The_list_of_limits_is_current()
    {
        var path = RepoPaths.Under("docs", "limits.md");
        if (Environment.GetEnvironmentVariable("KOR_UPDATE_DOCS") == "1") File.WriteAllText(path, LimitCatalog.Markdown());
        Assert.Equal(LimitCatalog.Markdown(), File.ReadAllText(path));
    }

    [GeneratedRegex("(kor|kafka)_[a-z_]+")]
    private static partial Regex MetricName();

    [Fact]
    public void The_test_and_the_metric_of_a_limit_are_there()
    {
        var sources = Directory.EnumerateFiles(RepoPaths.Under("tests"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)).Select(File.ReadAllText).ToList();
        foreach (var limit in LimitCatalog.All.Where(l => l.Test.Length != 0))
        {
            var parts = limit.Test.Split('.');
            Assert.True(
                sources.Exists(s => s.Contains($"class {parts[0]}", StringComparison.Ordinal)
                    && (parts.Length == 1 || s.Contains($" {parts[1]}(", StringComparison.Ordinal))),
                $"The test {limit.Test} of '{limit.Name}' is not there.");
        }

        var metrics = File.ReadAllText(RepoPaths.Under("docs", "metrics.md"));
        foreach (var name in LimitCatalog.All.SelectMany(l => MetricName().Matches(l.Metric).Select(m => m.Value)))
            Assert.Contains($"`{name}`", metrics, StringComparison.Ordinal);
    }
}
