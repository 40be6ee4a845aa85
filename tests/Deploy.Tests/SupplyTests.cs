using System.Diagnostics;
using System.Reflection.Metadata;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>What is published: no more than runs, with whose work it is, and nothing of where it was built.</summary>
public sealed class SupplyTests
{
    [Fact]
    public async Task What_is_published_has_no_compiler_names_its_packages_and_tells_no_path_of_the_build()
    {
        var folder = Directory.CreateTempSubdirectory("kor-supply-").FullName;
        try
        {
            await PublishAsync(folder);
            var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(f => Path.GetFileName(f)).ToList();
            Assert.DoesNotContain(files, f => f.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal) || f.StartsWith("Humanizer", StringComparison.Ordinal)
                || f.StartsWith("System.Composition", StringComparison.Ordinal));
            // The list that the host loads by must agree, or it does not start.
            var listed = JsonSerializer.Deserialize<JsonElement>(await File.ReadAllTextAsync(Path.Combine(folder, "KafkaOracleOrleans.Silo.deps.json"), TestContext.Current.CancellationToken))
                .GetProperty("targets").EnumerateObject().SelectMany(t => t.Value.EnumerateObject()).Where(l => l.Value.TryGetProperty("runtime", out _)).Select(l => l.Name);
            Assert.DoesNotContain(listed, l => l.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal));

            var notices = await File.ReadAllTextAsync(Path.Combine(folder, "THIRD-PARTY-NOTICES.txt"), TestContext.Current.CancellationToken);
            foreach (var package in (string[])["Confluent.Kafka 2.", "Npgsql 10.", "Microsoft.Orleans.Server 10.", "YamlDotNet 18."]) Assert.Contains("\n" + package, notices, StringComparison.Ordinal);
            Assert.Contains("licence    PostgreSQL", notices, StringComparison.Ordinal);

            var own = Directory.EnumerateFiles(folder, "KafkaOracleOrleans.*.pdb").ToList();
            Assert.True(own.Count >= 6, string.Join(", ", own));
            foreach (var file in own) Assert.All(Documents(file), d => Assert.StartsWith("/_/", d, StringComparison.Ordinal));
            var root = RepoPaths.Root + Path.DirectorySeparatorChar;
            foreach (var file in Directory.EnumerateFiles(folder, "KafkaOracleOrleans.*.dll"))
            {
                var bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
                Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(root)) < 0, file);
                Assert.True(bytes.AsSpan().IndexOf(Encoding.Unicode.GetBytes(root)) < 0, file);
            }
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Fact]
    public void Every_project_has_a_lock_with_a_hash_for_every_package_and_CI_restores_nothing_else()
    {
        var projects = Directory.EnumerateFiles(RepoPaths.Root, "*.csproj", SearchOption.AllDirectories).ToList();
        Assert.True(projects.Count > 15, $"only {projects.Count}");
        foreach (var project in projects)
        {
            var file = Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json");
            Assert.True(File.Exists(file), $"{file} is missing: dotnet restore writes it, and it is committed.");
            var packages = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(file)).GetProperty("dependencies").EnumerateObject().SelectMany(f => f.Value.EnumerateObject());
            Assert.All(packages.Where(p => p.Value.GetProperty("type").GetString() != "Project"), p => Assert.NotEmpty(p.Value.GetProperty("contentHash").GetString()!));
        }

        Assert.Contains("dotnet restore --locked-mode", File.ReadAllText(RepoPaths.Under(".ci", "run")), StringComparison.Ordinal);
        Assert.Contains("<NuGetAudit>true</NuGetAudit>", File.ReadAllText(RepoPaths.Under("Directory.Build.props")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_bill_of_materials_is_made_by_a_tool_of_a_fixed_version()
    {
        var tools = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(RepoPaths.Under(".config", "dotnet-tools.json"))).GetProperty("tools");
        Assert.Matches(@"^\d+\.\d+\.\d+$", tools.GetProperty("cyclonedx").GetProperty("version").GetString());
        Assert.Contains("dotnet-CycloneDX", File.ReadAllText(RepoPaths.Under("deploy", "sbom.sh")), StringComparison.Ordinal);
    }

    [Fact]
    public void Whoever_finds_a_hole_is_told_where_to_go()
    {
        var text = File.ReadAllText(RepoPaths.Under("SECURITY.md"));
        foreach (var part in (string[])["Reporting", "What is guarded", "What is not"]) Assert.Contains(part, text, StringComparison.Ordinal);
    }

    private static List<string> Documents(string file)
    {
        using var stream = File.OpenRead(file);
        using var provider = MetadataReaderProvider.FromPortablePdbStream(stream);
        var reader = provider.GetMetadataReader();
        return [.. reader.Documents.Select(d => reader.GetString(reader.GetDocument(d).Name))];
    }

    private static async Task PublishAsync(string folder)
    {
        var build = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        using var process = Process.Start(new ProcessStartInfo(
            "dotnet", ["publish", RepoPaths.Under("Silo", "Silo.csproj"), "--no-build", "--nologo", "-v", "q", "-c", build, "-o", folder])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(2));
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        var output = await process.StandardOutput.ReadToEndAsync(deadline.Token);
        await process.WaitForExitAsync(deadline.Token);
        Assert.True(process.ExitCode == 0, output + await error);
    }
}
