using System.Text.Json;
using KafkaOracleOrleans.TestSupport;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>The chart renders to what the plain manifests are, its values have a schema, and its copies are the originals.</summary>
public sealed class HelmTests
{
    private static readonly string Chart = RepoPaths.Under("deploy", "helm", "kor");

    private static YamlMappingNode Values => YamlFile.Read("deploy", "helm", "kor", "values.yaml").Single();

    private static List<YamlMappingNode> Render(Action<YamlMappingNode>? change = null)
    {
        var values = Values;
        change?.Invoke(values);
        var version = YamlFile.Read("deploy", "helm", "kor", "Chart.yaml").Single().Text("appVersion")!;
        var objects = new List<YamlMappingNode>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Chart, "templates")).Select(f => Path.GetFileName(f)).Where(f => f.EndsWith(".yaml", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            var stream = new YamlStream();
            using var reader = new StringReader(new ChartTemplate(Chart, values, version).Render(file));
            stream.Load(new MergingParser(new Parser(reader)));
            objects.AddRange(stream.Documents.Select(d => d.RootNode).OfType<YamlMappingNode>());
        }

        return objects;
    }

    private static void Set(YamlMappingNode values, string value, params object[] path) => ((YamlScalarNode)values.At(path)!).Value = value;

    [Fact]
    public void What_it_renders_is_what_the_manifests_are()
    {
        var chart = Render();
        var plain = new[] { "deployment.yaml", "service.yaml", "disruption.yaml", "network.yaml", "serviceaccount.yaml" }
            .Select(f => YamlFile.Read("deploy", "kubernetes", f).Single()).ToDictionary(o => o.Text("kind")!);
        foreach (var (kind, expected) in plain)
        {
            var actual = Assert.Single(chart, o => o.Text("kind") == kind);
            // The chart adds the release to labels and selectors, and takes some settings out of the list of values.
            Assert.Equal(Flat(expected), Flat(actual));
        }

        Assert.Equal(["ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount"], chart.Select(o => o.Text("kind")).Order(StringComparer.Ordinal));
        Assert.All(chart, o => Assert.Equal("kor", o.Text("metadata", "labels", "app.kubernetes.io/name")));
    }

    /// <summary>Every leaf with its path, without order of the environment, and without what charts add to labels.</summary>
    private static List<string> Flat(YamlNode node)
    {
        var found = new List<string>();
        void Walk(YamlNode at, string path)
        {
            switch (at)
            {
                case YamlMappingNode map when path.EndsWith("/env[]", StringComparison.Ordinal):
                    found.Add($"{path}/{map.Text("name")}={map.Text("value") ?? map.Text("valueFrom", "fieldRef", "fieldPath")}");
                    break;
                case YamlMappingNode map:
                    foreach (var (key, value) in map.Children)
                    {
                        var name = ((YamlScalarNode)key).Value!;
                        if (name.StartsWith("app.kubernetes.io/", StringComparison.Ordinal) && name != "app.kubernetes.io/name") continue;
                        if (path == "/metadata" && name == "labels") continue;
                        if (name == "imagePullPolicy") continue;
                        Walk(value, $"{path}/{name}");
                    }

                    break;
                case YamlSequenceNode list:
                    foreach (var item in list.Children) Walk(item, path + "[]");
                    break;
                default:
                    found.Add($"{path}={((YamlScalarNode)at).Value}");
                    break;
            }
        }

        Walk(node, "");
        found.Sort(StringComparer.Ordinal);
        return found;
    }

    [Fact]
    public void Selectors_find_the_pods_of_the_release_and_settings_exist()
    {
        var chart = Render();
        var labels = chart.Single(o => o.Text("kind") == "Deployment").Entries("spec", "template", "metadata", "labels").ToDictionary(l => l.Key, l => ((YamlScalarNode)l.Value).Value);
        foreach (var selector in (object[][])[["Deployment", "spec", "selector", "matchLabels"], ["Service", "spec", "selector"], ["PodDisruptionBudget", "spec", "selector", "matchLabels"], ["NetworkPolicy", "spec", "podSelector", "matchLabels"]])
        {
            var found = chart.Single(o => o.Text("kind") == (string)selector[0]).Entries(selector[1..]).ToList();
            Assert.Contains(found, l => l.Key == "app.kubernetes.io/instance");
            Assert.All(found, l => Assert.Equal(labels[l.Key], ((YamlScalarNode)l.Value).Value));
        }

        Assert.All(Values.Entries("settings"), s => Assert.True(OptionNames.IsKnown(s.Key), s.Key));
        Assert.All(Values.Entries("settings"), s => Assert.DoesNotMatch("Password$|ConnectionString$", s.Key));
    }

    [Fact]
    public void Monitoring_is_there_when_asked_for_with_the_viewers_key()
    {
        var chart = Render(v =>
        {
            Set(v, "true", "serviceMonitor", "enabled");
            Set(v, "true", "prometheusRule", "enabled");
            Set(v, "true", "grafanaDashboard", "enabled");
        });
        var endpoint = Assert.Single(chart, o => o.Text("kind") == "ServiceMonitor").At("spec", "endpoints", 0)!;
        Assert.Equal(("/metrics", "http", "kor", "viewer-key"), (endpoint.Text("path"), endpoint.Text("port"), endpoint.Text("authorization", "credentials", "name"), endpoint.Text("authorization", "credentials", "key")));
        var rules = Assert.Single(chart, o => o.Text("kind") == "PrometheusRule").Items("spec", "groups", 0, "rules");
        Assert.Equal(YamlFile.Read("deploy", "prometheus", "alerts.yaml").Single().Items("groups", 0, "rules").Select(r => r.Text("alert")), rules.Select(r => r.Text("alert")));
        // The alarms' own braces are Prometheus', and go through as they are.
        Assert.All(rules, r => Assert.DoesNotContain("{{`", r.Text("annotations", "summary")!, StringComparison.Ordinal));
        var dashboard = chart.Single(o => o.Text("metadata", "name") == "kor-dashboard").Text("data", "kor.json")!;
        Assert.True(JsonDocument.Parse(dashboard).RootElement.GetProperty("panels").GetArrayLength() > 20);
        Assert.DoesNotContain(Render(v => Set(v, "false", "networkPolicy", "enabled")), o => o.Text("kind") == "NetworkPolicy");
        Assert.DoesNotContain(Render(v => Set(v, "mine", "pipelinesConfigMap")), o => o.Text("kind") == "ConfigMap");
    }

    [Fact]
    public void Copies_are_the_originals()
    {
        Assert.Equal(File.ReadAllText(RepoPaths.Under("deploy", "prometheus", "alerts.yaml")), File.ReadAllText(Path.Combine(Chart, "files", "alerts.yaml")));
        Assert.Equal(File.ReadAllText(RepoPaths.Under("deploy", "grafana", "kor.json")), File.ReadAllText(Path.Combine(Chart, "files", "kor.json")));
    }

    [Fact]
    public void Every_value_has_its_place_in_the_schema_and_the_schema_knows_no_others()
    {
        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Chart, "values.schema.json")));
        Check(Values, schema.RootElement, "");
        var properties = schema.RootElement.GetProperty("properties").EnumerateObject().Select(p => p.Name).Where(n => n != "global");
        Assert.Equal(Values.Children.Keys.Select(k => ((YamlScalarNode)k).Value).Order(StringComparer.Ordinal), properties.Order(StringComparer.Ordinal));
    }

    private static void Check(YamlNode node, JsonElement schema, string path)
    {
        if (schema.TryGetProperty("enum", out var choices)) Assert.Contains(((YamlScalarNode)node).Value, choices.EnumerateArray().Select(c => c.GetString()));
        if (!schema.TryGetProperty("type", out var type) || type.ValueKind != JsonValueKind.String) return;
        switch (type.GetString())
        {
            case "object":
                foreach (var (key, value) in ((YamlMappingNode)node).Children)
                {
                    var name = ((YamlScalarNode)key).Value!;
                    if (schema.TryGetProperty("properties", out var known) && known.TryGetProperty(name, out var inner)) Check(value, inner, $"{path}.{name}");
                    else Assert.True(!schema.TryGetProperty("additionalProperties", out var more) || more.ValueKind == JsonValueKind.Object, $"{path}.{name} is not in the schema");
                }

                break;
            case "integer":
                Assert.True(int.TryParse(((YamlScalarNode)node).Value, out _), path);
                break;
            case "boolean":
                Assert.True(((YamlScalarNode)node).Value is "true" or "false", path);
                break;
            case "array":
                foreach (var item in ((YamlSequenceNode)node).Children) Check(item, schema.GetProperty("items"), path + "[]");
                break;
            default:
                Assert.True(node is YamlScalarNode, path);
                break;
        }
    }
}
