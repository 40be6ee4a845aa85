using KafkaOracleOrleans.TestSupport;
using YamlDotNet.RepresentationModel;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>The manifests agree with each other, with the host's settings, and with the rules for pods without rights.</summary>
public sealed class KubernetesTests
{
    private static readonly List<YamlMappingNode> Objects =
        [.. YamlFile.Read("deploy", "kubernetes", "kustomization.yaml").Single().Items("resources")
            .SelectMany(r => YamlFile.Read("deploy", "kubernetes", ((YamlScalarNode)r).Value!))];

    private static readonly YamlMappingNode Deployment = Objects.Single(o => o.Text("kind") == "Deployment");
    private static readonly YamlNode Pod = Deployment.At("spec", "template")!;
    private static readonly YamlNode Silo = Pod.At("spec", "containers", 0)!;

    [Fact]
    public void Every_file_is_listed_and_every_object_has_its_head()
    {
        var listed = YamlFile.Read("deploy", "kubernetes", "kustomization.yaml").Single().Items("resources").Select(r => ((YamlScalarNode)r).Value!);
        var files = Directory.EnumerateFiles(RepoPaths.Under("deploy", "kubernetes"), "*.yaml").Select(f => Path.GetFileName(f));
        Assert.Equal(files.Except(["kustomization.yaml"]).Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
        Assert.All(Objects, o =>
        {
            Assert.NotNull(o.Text("apiVersion"));
            Assert.NotNull(o.Text("kind"));
            Assert.Matches("^[a-z][a-z0-9-]*$", o.Text("metadata", "name"));
        });
    }

    [Fact]
    public void Selectors_find_the_pods()
    {
        var labels = Pod.Entries("metadata", "labels").ToDictionary(l => l.Key, l => ((YamlScalarNode)l.Value).Value);
        var selectors = Objects.Where(o => o.Text("kind") == "Service").Select(o => o.Entries("spec", "selector"))
            .Append(Deployment.Entries("spec", "selector", "matchLabels"))
            .Append(Objects.Single(o => o.Text("kind") == "PodDisruptionBudget").Entries("spec", "selector", "matchLabels"))
            .Append(Objects.Single(o => o.Text("kind") == "NetworkPolicy").Entries("spec", "podSelector", "matchLabels"));
        Assert.All(selectors, s =>
        {
            Assert.NotEmpty(s);
            Assert.All(s, l => Assert.Equal(labels[l.Key], ((YamlScalarNode)l.Value).Value));
        });
    }

    [Fact]
    public void Ports_of_services_and_probes_are_the_containers()
    {
        var ports = Silo.Items("ports").ToDictionary(p => p.Text("name")!, p => p.Text("containerPort"));
        Assert.All(
            Objects.Where(o => o.Text("kind") == "Service").SelectMany(o => o.Items("spec", "ports")),
            p => Assert.Equal(p.Text("port"), ports[p.Text("targetPort")!]));
        foreach (var (probe, path) in new[] { ("startupProbe", "/health/startup"), ("readinessProbe", "/health/ready"), ("livenessProbe", "/health/live") })
        {
            Assert.Equal(path, Silo.Text(probe, "httpGet", "path"));
            Assert.Contains(Silo.Text(probe, "httpGet", "port")!, ports);
        }
    }

    [Fact]
    public void Settings_exist_and_the_grace_period_outlasts_the_shutdown()
    {
        var settings = Silo.Items("env").Select(e => e.Text("name")!).Where(n => n.StartsWith("Kor__", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(settings);
        Assert.All(settings, s => Assert.True(OptionNames.IsKnown(s), s));
        var shutdown = TimeSpan.Parse(
            Silo.Items("env").Single(e => e.Text("name") == "Kor__ShutdownTimeout").Text("value")!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(int.Parse(Pod.Text("spec", "terminationGracePeriodSeconds")!, System.Globalization.CultureInfo.InvariantCulture) > shutdown.TotalSeconds);
    }

    [Fact]
    public void Pods_are_reached_at_their_ports_and_reach_only_what_is_named()
    {
        var policy = Objects.Single(o => o.Text("kind") == "NetworkPolicy").At("spec")!;
        Assert.Equal(["Ingress", "Egress"], policy.Items("policyTypes").Select(t => ((YamlScalarNode)t).Value));
        // A rule without ports, or without addresses and ports, would let everything through.
        Assert.All(policy.Items("ingress").Concat(policy.Items("egress")), rule => Assert.NotEmpty(rule.Items("ports")));
        var open = policy.Items("ingress").Where(r => r.At("from") is null).SelectMany(r => r.Items("ports")).Select(p => p.Text("port"));
        Assert.Equal(["8080"], open);
        Assert.Equal(
            Silo.Items("ports").Select(p => p.Text("containerPort")).Order(StringComparer.Ordinal),
            policy.Items("ingress").SelectMany(r => r.Items("ports")).Select(p => p.Text("port")).Distinct().Order(StringComparer.Ordinal));
        var reached = policy.Items("egress").SelectMany(r => r.Items("ports")).Select(p => p.Text("port")).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(["11111", "1521", "4317", "53", "5432", "9092"], reached);
    }

    [Fact]
    public void Silos_prove_a_secret_to_each_other_and_open_no_gateway()
    {
        var settings = Silo.Items("env").ToDictionary(e => e.Text("name")!, e => e.Text("value"));
        Assert.StartsWith("/run/secrets/", settings["Kor__Cluster__SecretFile"], StringComparison.Ordinal);
        Assert.DoesNotContain("Kor__Cluster__GatewayPort", settings);
        Assert.DoesNotContain("--from-literal", File.ReadAllText(RepoPaths.Under("deploy", "kubernetes", "README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Mounts_have_volumes()
    {
        var volumes = Pod.Items("spec", "volumes").Select(v => v.Text("name")).ToHashSet();
        Assert.All(Silo.Items("volumeMounts"), m => Assert.Contains(m.Text("name"), volumes));
    }

    [Fact]
    public void The_pod_has_no_rights_and_a_bounded_memory()
    {
        Assert.Equal("true", Pod.Text("spec", "securityContext", "runAsNonRoot"));
        Assert.Equal("false", Pod.Text("spec", "automountServiceAccountToken"));
        Assert.Equal("true", Silo.Text("securityContext", "readOnlyRootFilesystem"));
        Assert.Equal("false", Silo.Text("securityContext", "allowPrivilegeEscalation"));
        Assert.Equal("ALL", Silo.Text("securityContext", "capabilities", "drop", 0));
        Assert.NotNull(Silo.Text("resources", "limits", "memory"));
        Assert.Null(Silo.Text("resources", "limits", "cpu"));
        Assert.Matches(":[0-9]", Silo.Text("image"));
    }

    [Fact]
    public void An_update_never_leaves_fewer_silos()
    {
        Assert.Equal("0", Deployment.Text("spec", "strategy", "rollingUpdate", "maxUnavailable"));
        Assert.True(int.Parse(Deployment.Text("spec", "minReadySeconds")!, System.Globalization.CultureInfo.InvariantCulture) > 0);
    }
}
