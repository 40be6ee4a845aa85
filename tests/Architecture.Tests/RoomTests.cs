using System.Xml.Linq;

namespace KafkaOracleOrleans.Architecture.Tests;

/// <summary>The rooms of DESIGN.md section 2 may reference only what is listed here.</summary>
public sealed class RoomTests
{
    private static readonly string Root = FindRoot();

    public static TheoryData<string, string[], string[]> Rooms => new()
    {
        { "Processing", [], ["YamlDotNet", "System.IO.Hashing", "Microsoft.CodeAnalysis.BannedApiAnalyzers"] },
        {
            "Streams.Kafka", [],
            ["Microsoft.Orleans.Sdk", "Microsoft.Orleans.Streaming", "Confluent.Kafka"]
        },
        { "Storage", ["Processing"], ["Npgsql", "Microsoft.Data.Sqlite", "Polly.Core"] },
        { "Grains.Interfaces", [], ["Microsoft.Orleans.Sdk"] },
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

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "KafkaOracleOrleans.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("The solution folder was not found.");
    }
}
