using KafkaOracleOrleans.TestSupport;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>YAML as a tree that is asked by path; merge keys are applied.</summary>
internal static class YamlFile
{
    /// <summary>The documents of a file below the root; repeated keys and bad syntax throw with their place.</summary>
    public static IReadOnlyList<YamlMappingNode> Read(params string[] path)
    {
        var stream = new YamlStream();
        using var reader = new StringReader(File.ReadAllText(RepoPaths.Under(path)));
        stream.Load(new MergingParser(new Parser(reader)));
        return [.. stream.Documents.Select(d => (YamlMappingNode)d.RootNode)];
    }

    /// <summary>The node at a path of keys and list positions; null when there is none.</summary>
    public static YamlNode? At(this YamlNode node, params object[] path)
    {
        YamlNode? found = node;
        foreach (var step in path)
        {
            found = found switch
            {
                YamlMappingNode map when step is string key => map.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null,
                YamlSequenceNode list when step is int index => index < list.Children.Count ? list.Children[index] : null,
                _ => null,
            };
        }

        return found;
    }

    /// <summary>The text at a path; null when there is none.</summary>
    public static string? Text(this YamlNode node, params object[] path) => (node.At(path) as YamlScalarNode)?.Value;

    /// <summary>The entries of a mapping at a path, in order.</summary>
    public static IEnumerable<(string Key, YamlNode Value)> Entries(this YamlNode node, params object[] path) =>
        node.At(path) is YamlMappingNode map ? map.Children.Select(c => (((YamlScalarNode)c.Key).Value!, c.Value)) : [];

    /// <summary>The items of a list at a path.</summary>
    public static IReadOnlyList<YamlNode> Items(this YamlNode node, params object[] path) =>
        node.At(path) is YamlSequenceNode list ? [.. list.Children] : [];
}
