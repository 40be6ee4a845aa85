using System.Text.RegularExpressions;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>Files and addresses of the HTTP API that the product's texts and documents send somebody to are there.</summary>
public sealed partial class AdvisedPlaceTests
{
    [Fact]
    public void Files_that_texts_and_documents_name_are_there()
    {
        var named = SourceTexts.Product.SelectMany(t => Paths().Matches(Hole().Replace(t.Text, "*")).Select(m => ($"{t.File}({t.Line})", m.Value)))
            .Concat(DocumentLines().SelectMany(l => Paths().Matches(l.Text).Select(m => (l.Place, m.Value)))).ToList();
        Assert.True(named.Count >= 60, $"only {named.Count} were found");
        AssertNone(named.Where(n => !IsThere(n.Item2)).Select(n => $"{n.Item1}: {n.Item2}"));
    }

    [Fact]
    public void Links_between_documents_lead_somewhere()
    {
        var links = DocumentLines().SelectMany(l => Link().Matches(l.Text).Select(m => (l.Place, l.File, Target: m.Groups[1].Value)))
            .Where(l => !l.Target.Contains("://", StringComparison.Ordinal)).ToList();
        Assert.True(links.Count >= 50, $"only {links.Count} were found");
        AssertNone(links.Where(l => !Path.Exists(Path.Combine(Path.GetDirectoryName(l.File)!, l.Target))).Select(l => $"{l.Place}: {l.Target}"));
    }

    [Fact]
    public void Addresses_of_the_api_that_texts_and_documents_name_are_served()
    {
        var served = Directory.EnumerateFiles(RepoPaths.Under("Silo", "Api"), "*.cs").SelectMany(f => Route().Matches(File.ReadAllText(f)))
            .Select(m => $"{m.Groups[1].Value.ToUpperInvariant()} /api/v1{Part().Replace(m.Groups[2].Value, "*")}").ToHashSet();
        Assert.Contains("GET /api/v1/pipelines/*/status", served);
        var named = SourceTexts.Product.SelectMany(t => Address().Matches(Hole().Replace(t.Text, "NAME")).Select(m => ($"{t.File}({t.Line})", m)))
            .Concat(DocumentLines().SelectMany(l => Address().Matches(Part().Replace(l.Text, "NAME")).Select(m => (l.Place, m)))).ToList();
        Assert.True(named.Count >= 10, $"only {named.Count} were found");
        AssertNone(named.Where(n => !served.Contains(Capitals().Replace(n.m.Value, "*"))).Select(n => $"{n.Item1}: {n.m.Value}"));
    }

    private static void AssertNone(IEnumerable<string> faults) => Assert.True(!faults.Any(), string.Join('\n', faults));

    private static IEnumerable<(string Place, string File, string Text)> DocumentLines()
    {
        string[] folders = ["docs", "deploy", "pipelines", "samples"];
        return folders.SelectMany(f => Directory.EnumerateFiles(RepoPaths.Under(f), "*.md", SearchOption.AllDirectories)).Concat(Directory.EnumerateFiles(RepoPaths.Root, "*.md"))
            .SelectMany(f => File.ReadLines(f).Select((line, i) => ($"{Path.GetRelativePath(RepoPaths.Root, f)}({i + 1})", f, line)));
    }

    /// <summary>A file, or one at least where the name has stars. <c>pipelines/mine.yaml</c> is the reader's own.</summary>
    private static bool IsThere(string named)
    {
        if (named.Contains("mine.", StringComparison.Ordinal)) return true;
        var path = Capitals().Replace(named, "*");
        if (!path.Contains('*', StringComparison.Ordinal)) return Path.Exists(RepoPaths.Under(path));
        var pattern = new Regex("^" + Regex.Escape(path).Replace(@"\*\*/", "(.*/)?", StringComparison.Ordinal).Replace(@"\*", "[^/]*", StringComparison.Ordinal) + "$");
        var top = path[..path.IndexOf('/', StringComparison.Ordinal)];
        return Directory.EnumerateFiles(RepoPaths.Under(top), "*", SearchOption.AllDirectories).Any(f => pattern.IsMatch(Path.GetRelativePath(RepoPaths.Root, f).Replace('\\', '/')));
    }

    [GeneratedRegex(@"(?<![\w/.:-])(?:docs|deploy|pipelines|samples|benchmarks|tests)/[\w./*-]*\.(?:md|sql|yaml|yml|json|sh|cs)\b")]
    private static partial Regex Paths();

    [GeneratedRegex(@"\]\(([^)#\s]+)(?:#[^)]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex("""Map(Get|Post|Put|Delete|Patch)\(\s*"(/[^"]+)"\s*,""")]
    private static partial Regex Route();

    [GeneratedRegex(@"(?:GET|POST|PUT|DELETE|PATCH) /api/v1(?:/[\w-]+)+")]
    private static partial Regex Address();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Part();

    [GeneratedRegex("(?<=/)[A-Z]+(?=/|$)")]
    private static partial Regex Capitals();

    [GeneratedRegex("\u0001[^\u0002]*\u0002")]
    private static partial Regex Hole();
}
