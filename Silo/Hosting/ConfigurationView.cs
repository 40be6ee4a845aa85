using System.Collections;
using System.Data.Common;
using System.Globalization;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>A setting as it is in force.</summary>
/// <param name="Key">Its key, e.g. <c>Kor:Url</c>.</param>
/// <param name="Value">Its value; secrets as <c>***</c>; null when nothing is set.</param>
/// <param name="Origin">Where it comes from: <c>default</c>, <c>environment</c>, <c>command line</c>, or a file.</param>
internal sealed record ConfigurationItem(string Key, string? Value, string Origin);

/// <summary>The host's configuration as it is in force, without secrets, with where each value comes from.</summary>
internal static class ConfigurationView
{
    private const string Hidden = "***";

    public static IReadOnlyList<ConfigurationItem> Of(KorOptions options, IConfigurationRoot configuration)
    {
        var items = new List<ConfigurationItem>();
        Add(items, KorOptions.Section, options, configuration);
        return items;
    }

    private static void Add(List<ConfigurationItem> items, string path, object group, IConfigurationRoot configuration)
    {
        foreach (var setting in KorConfiguration.Settings(group.GetType()))
        {
            var (key, value) = ($"{path}:{setting.Name}", setting.GetValue(group));
            if (value is IDictionary entries) AddEntries(items, key, entries, configuration);
            else if (value is not null && KorConfiguration.IsGroup(value.GetType())) Add(items, key, value, configuration);
            else items.Add(new ConfigurationItem(key, Text(setting.Name, value), Origin(key, configuration)));
        }
    }

    private static void AddEntries(List<ConfigurationItem> items, string path, IDictionary entries, IConfigurationRoot configuration)
    {
        foreach (DictionaryEntry entry in entries)
        {
            var key = $"{path}:{entry.Key}";
            if (entry.Value is string text) items.Add(new ConfigurationItem(key, Config((string)entry.Key, text), Origin(key, configuration)));
            else Add(items, key, entry.Value!, configuration);
        }
    }

    private static string? Text(string name, object? value) => value switch
    {
        null or "" => null,
        string when KorConfiguration.IsSecret(name) => Hidden,
        string text when name == "ConnectionString" => ConnectionString(text),
        string text => text,
        TimeSpan span => Durations.Format((long)span.TotalMilliseconds),
        bool flag => flag ? "true" : "false",
        IEnumerable list => string.Join(", ", list.Cast<object>()),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    /// <summary>Settings of librdkafka: what holds a secret is hidden, so is what looks like one.</summary>
    private static string Config(string name, string value) =>
        KorConfiguration.IsSecret(name.Replace('.', '_')) || name.Contains("key", StringComparison.OrdinalIgnoreCase) || KafkaConfigRules.Describe(
            new Dictionary<string, string> { [name] = value }) != $"{name}={value}"
            ? Hidden
            : value;

    private static string ConnectionString(string text)
    {
        try
        {
            var parts = new DbConnectionStringBuilder { ConnectionString = text };
            foreach (string keyword in parts.Keys)
            {
                if (KorConfiguration.IsSecret(keyword) || keyword.Contains("pwd", StringComparison.OrdinalIgnoreCase)) parts[keyword] = Hidden;
            }

            return parts.ConnectionString;
        }
        catch (ArgumentException)
        {
            // What cannot be taken apart cannot be shown in part.
            return Hidden;
        }
    }

    private static string Origin(string key, IConfigurationRoot configuration)
    {
        foreach (var provider in configuration.Providers.Reverse())
        {
            if (!provider.TryGet(key, out _) && !provider.GetChildKeys([], key).Any()) continue;
            return provider switch
            {
                Microsoft.Extensions.Configuration.EnvironmentVariables.EnvironmentVariablesConfigurationProvider => "environment",
                Microsoft.Extensions.Configuration.CommandLine.CommandLineConfigurationProvider => "command line",
                FileConfigurationProvider { Source.Path: { } file } => Path.GetFileName(file),
                _ => provider.GetType().Name.Replace("ConfigurationProvider", "", StringComparison.Ordinal),
            };
        }

        return "default";
    }
}
