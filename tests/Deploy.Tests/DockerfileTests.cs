using System.Text.RegularExpressions;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>The usual rules for Dockerfiles, and that what is copied exists.</summary>
public sealed partial class DockerfileTests
{
    private static readonly List<(string Instruction, string Text)> Lines = Read();

    [Fact]
    public void The_last_user_has_no_rights()
    {
        var user = Lines.Last(l => l.Instruction == "USER").Text;
        Assert.NotEqual("root", user);
        Assert.NotEqual("0", user);
        Assert.True(Lines.FindLastIndex(l => l.Instruction == "USER") > Lines.FindLastIndex(l => l.Instruction is "COPY" or "RUN"));
    }

    [Fact]
    public void Base_images_have_a_version() => Assert.All(Lines.Where(l => l.Instruction == "FROM"), l =>
    {
        Assert.Contains(':', l.Text);
        Assert.DoesNotContain("latest", l.Text, StringComparison.Ordinal);
        // And can be pinned to what was tried.
        Assert.Contains("_DIGEST}", l.Text, StringComparison.Ordinal);
    });

    [Fact]
    public void It_writes_down_what_the_image_is_made_of() =>
        Assert.Contains(Lines, l => l.Instruction == "RUN" && l.Text.Contains("deploy/sbom.sh", StringComparison.Ordinal));

    [Fact]
    public void Nothing_is_added_from_elsewhere_and_nothing_runs_as_a_shell()
    {
        Assert.DoesNotContain(Lines, l => l.Instruction == "ADD");
        Assert.All(Lines.Where(l => l.Instruction is "ENTRYPOINT" or "CMD"), l => Assert.StartsWith("[", l.Text, StringComparison.Ordinal));
        Assert.All(Lines.Where(l => l.Instruction == "WORKDIR"), l => Assert.StartsWith("/", l.Text, StringComparison.Ordinal));
    }

    [Fact]
    public void It_has_the_Oracle_driver_and_no_secret()
    {
        Assert.Contains(Lines, l => l.Instruction == "ENV" && l.Text.Contains("WithOracleDriver=true", StringComparison.Ordinal));
        Assert.DoesNotContain(Lines, l => l.Instruction is "ENV" or "ARG" && Secret().IsMatch(l.Text));
    }

    [Fact]
    public void What_is_copied_exists_and_every_project_the_silo_needs_is_restored()
    {
        var copied = Lines.Where(l => l.Instruction == "COPY" && !l.Text.StartsWith("--from", StringComparison.Ordinal))
            .SelectMany(l => l.Text.Split(' ')[..^1]).ToList();
        Assert.All(copied, c => Assert.True(Path.Exists(RepoPaths.Under(c)), c));
        foreach (var room in new[] { "Processing", "Storage", "Streams.Kafka", "Grains.Interfaces", "Grains", "Silo", "Client" })
            Assert.Contains($"{room}/{room}.csproj", copied);
    }

    [Fact]
    public void What_projects_embed_is_not_kept_out_of_the_build()
    {
        var ignored = File.ReadAllLines(RepoPaths.Under(".dockerignore"));
        Assert.Contains("deploy/", ignored);
        // The scripts of the state database are part of Storage.
        Assert.Contains("!deploy/sql/", ignored);
        Assert.Contains("!deploy/sbom.sh", ignored);
    }

    [Fact]
    public void Settings_in_it_exist() => Assert.All(
        Lines.Where(l => l.Instruction == "ENV").SelectMany(l => Setting().Matches(l.Text)), m => Assert.True(OptionNames.IsKnown(m.Value), m.Value));

    private static List<(string Instruction, string Text)> Read()
    {
        var text = Regex.Replace(File.ReadAllText(RepoPaths.Under("deploy", "Dockerfile")), @"\\\r?\n\s*", "");
        return [.. text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#').Select(l =>
        {
            var blank = l.IndexOf(' ', StringComparison.Ordinal);
            return (l[..blank], l[(blank + 1)..].Trim());
        })];
    }

    [GeneratedRegex("password|secret|token|apikey", RegexOptions.IgnoreCase)]
    private static partial Regex Secret();

    [GeneratedRegex("Kor__[A-Za-z0-9_]+")]
    private static partial Regex Setting();
}
