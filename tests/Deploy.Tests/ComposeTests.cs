using KafkaOracleOrleans.TestSupport;
using YamlDotNet.RepresentationModel;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>Where no container engine runs, the compose file is held to what it refers to.</summary>
public sealed class ComposeTests
{
    private static readonly YamlMappingNode Compose = YamlFile.Read("deploy", "compose.yaml").Single();

    private static IEnumerable<(string Name, YamlNode Service)> Services => Compose.Entries("services");

    [Fact]
    public void It_has_what_the_trial_needs() => Assert.Empty(
        new[] { "kafka", "oracle", "postgres", "silo-1", "silo-2", "prometheus", "grafana" }.Except(Services.Select(s => s.Name)));

    [Fact]
    public void Images_are_pinned() => Assert.All(Services, s =>
    {
        var image = s.Service.Text("image");
        Assert.Matches("^[a-z0-9./-]+:v?[0-9][A-Za-z0-9.-]*$", image);
    });

    [Fact]
    public void Settings_of_the_silos_exist() => Assert.All(
        Services.SelectMany(s => s.Service.Entries("environment")).Where(e => e.Key.StartsWith("Kor__", StringComparison.Ordinal)),
        e => Assert.True(OptionNames.IsKnown(e.Key), e.Key));

    [Fact]
    public void Services_wait_for_services_that_exist_and_can_tell_when_they_are_ready() => Assert.All(
        Services.SelectMany(s => s.Service.Entries("depends_on")), d =>
        {
            var other = Compose.At("services", d.Key);
            Assert.NotNull(other);
            if (d.Value.Text("condition") == "service_healthy") Assert.NotNull(other.At("healthcheck", "test"));
        });

    [Fact]
    public void Mounted_files_secrets_and_volumes_exist()
    {
        var secrets = Compose.Entries("secrets").ToDictionary(s => s.Key, s => s.Value.Text("file")!);
        Assert.All(secrets.Values, f => Assert.True(File.Exists(InDeploy(f)), f));
        foreach (var (name, service) in Services)
        {
            Assert.All(service.Items("secrets"), s => Assert.Contains(((YamlScalarNode)s).Value!, secrets));
            foreach (var volume in service.Items("volumes").Select(v => ((YamlScalarNode)v).Value!.Split(':')[0]))
            {
                if (volume.StartsWith('.')) Assert.True(File.Exists(InDeploy(volume)), $"{name}: {volume}");
                else Assert.Contains(volume, Compose.Entries("volumes").Select(v => v.Key));
            }
        }
    }

    [Fact]
    public void Ports_are_published_on_loopback_only() => Assert.All(
        Services.SelectMany(s => s.Service.Items("ports")).Select(p => ((YamlScalarNode)p).Value!),
        p => Assert.StartsWith("127.0.0.1:", p, StringComparison.Ordinal));

    [Fact]
    public void Silos_run_without_rights() => Assert.All(Services.Where(s => s.Name.StartsWith("silo", StringComparison.Ordinal)), s =>
    {
        Assert.Equal("true", s.Service.Text("read_only"));
        Assert.Equal("ALL", s.Service.Text("cap_drop", 0));
        Assert.NotEqual("0", s.Service.Text("user"));
    });

    private static string InDeploy(string relative) => Path.GetFullPath(Path.Combine(RepoPaths.Under("deploy"), relative));
}
