using System.Xml.Linq;

namespace KafkaOracleOrleans.Architecture.Tests;

/// <summary>The rooms of DESIGN.md section 2 may reference only what is listed here.</summary>
public sealed class RoomTests
{
    private static readonly string Root = FindRoot();

    public static TheoryData<string, string[], string[]> Rooms => new()
    {
        { "Processing", [], ["YamlDotNet", "System.IO.Hashing", "NodaTime", "Microsoft.CodeAnalysis.BannedApiAnalyzers"] },
        { "Protocol", ["Processing"], ["Microsoft.CodeAnalysis.BannedApiAnalyzers"] },
        {
            "Streams.Kafka", [],
            ["Microsoft.Orleans.Sdk", "Microsoft.Orleans.Streaming", "Confluent.Kafka"]
        },
        { "Storage", ["Processing"], ["Npgsql", "Microsoft.Data.Sqlite", "Polly.Core"] },
        { "Grains.Interfaces", [], ["Microsoft.Orleans.Sdk"] },
        {
            "Grains", ["Processing", "Protocol", "Grains.Interfaces", "Streams.Kafka"],
            ["Microsoft.Orleans.Sdk", "Microsoft.Orleans.Streaming", "Microsoft.Orleans.Reminders"]
        },
        { "Console", ["Grains.Interfaces"], ["MudBlazor", "Microsoft.AspNetCore.App.Internal.Assets"] },
        // Storage: the DDL that kor plan prints without a server.
        { "Client", ["Processing", "Grains.Interfaces", "Storage"], ["Microsoft.Orleans.Client", "System.CommandLine", "Spectre.Console"] },
    };

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Room_references_only_what_the_design_allows(string room, string[] projects, string[] packages)
    {
        var project = XDocument.Load(Path.Combine(Root, room, room + ".csproj"));

        var referencedProjects = project.Descendants("ProjectReference")
            .Select(e => Path.GetFileNameWithoutExtension(e.Attribute("Include")!.Value.Replace('\\', '/')));
        var referencedPackages = project.Descendants("PackageReference").Select(e => e.Attribute("Include")!.Value);

        Assert.Empty(referencedProjects.Except(projects));
        Assert.Empty(referencedPackages.Except(packages));
    }

    /// <summary>Time, tasks, logs and I/O that the analyzer's list of banned symbols does not name one by one.</summary>
    [Theory]
    [InlineData("async ")]
    [InlineData("Task.Run")]
    [InlineData("Task.Delay")]
    [InlineData("ILogger")]
    [InlineData("DateTime.UtcNow")]
    [InlineData("TimeProvider")]
    [InlineData("Environment.TickCount")]
    [InlineData("new Random(")]
    [InlineData("File.ReadAll")]
    [InlineData("FileStream")]
    [InlineData("System.Net")]
    [InlineData("System.Data")]
    [InlineData("Orleans.Runtime")]
    [InlineData("Confluent")]
    public void Processing_is_pure(string forbidden) => Assert.Empty(UsesOf(forbidden, "Processing"));

    /// <summary>What the protocol may not do although it may wait: whatever leaves its caller's scheduler, clock or chance.</summary>
    [Theory]
    [InlineData("Task.Run")]
    [InlineData("Task.Delay")]
    [InlineData("Task.WhenAny")]
    [InlineData("ConfigureAwait")]
    [InlineData(".WaitAsync(stop")]
    [InlineData(".ContinueWith(")]
    [InlineData("CancelAfter")]
    [InlineData("CancelAsync")]
    [InlineData("TaskFactory")]
    [InlineData("ThreadPool")]
    [InlineData("Thread.")]
    [InlineData("lock (")]
    [InlineData("async void")]
    [InlineData("ILogger")]
    [InlineData("DateTime.UtcNow")]
    [InlineData("TimeProvider.System")]
    [InlineData("Environment.TickCount")]
    [InlineData("Stopwatch")]
    [InlineData("Random.Shared")]
    [InlineData("new Random(")]
    [InlineData("Guid.NewGuid")]
    [InlineData("FileStream")]
    [InlineData("System.Net")]
    [InlineData("System.Data")]
    [InlineData("Orleans.")]
    [InlineData("GenerateSerializer")]
    [InlineData("Confluent")]
    // The product's own name ends in one of the words.
    public void Protocol_is_pure(string forbidden) => Assert.Empty(UsesOf(forbidden, "Protocol", "KafkaOracleOrleans."));

    private static IEnumerable<string> UsesOf(string forbidden, string room, string without = "\n") =>
        Directory.EnumerateFiles(Path.Combine(Root, room), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(f => File.ReadLines(f).Select((line, i) => (f, i, line)))
            .Where(l => l.line.Replace(without, "", StringComparison.Ordinal).Contains(forbidden, StringComparison.Ordinal)
                && !l.line.TrimStart().StartsWith("//", StringComparison.Ordinal))
            .Select(l => $"{Path.GetRelativePath(Root, l.f)}({l.i + 1}): {l.line.Trim()}");

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "KafkaOracleOrleans.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("The solution folder was not found.");
    }
}
