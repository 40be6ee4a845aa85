using System.Reflection;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>Every setting that the product's texts or documents name, to set or to read about, is one of the host's.</summary>
public sealed partial class AdvisedSettingTests
{
    private const string Anything = "\u0003";

    [Fact]
    public void Settings_in_the_products_texts_exist() => AssertKnown(
        SourceTexts.Product.SelectMany(t => KeysIn(Hole().Replace(t.Text, Anything)).Select(k => ($"{t.File}({t.Line})", k))), atLeast: 80);

    [Fact]
    public void Settings_in_documents_and_examples_exist()
    {
        string[] folders = ["docs", "deploy", "pipelines", "samples"];
        string[] kinds = [".md", ".yaml", ".yml", ".sh", ".sql"];
        var files = folders.SelectMany(f => Directory.EnumerateFiles(RepoPaths.Under(f), "*", SearchOption.AllDirectories)).Concat(Directory.EnumerateFiles(RepoPaths.Root))
            .Where(f => kinds.Contains(Path.GetExtension(f)));
        AssertKnown(files.SelectMany(f => File.ReadLines(f).SelectMany((l, i) => KeysIn(l).Select(k => ($"{Path.GetRelativePath(RepoPaths.Root, f)}({i + 1})", k)))), atLeast: 150);
    }

    [Theory]
    [InlineData("Kor:State:Create", true)]
    [InlineData("Kor__Kafka__main__BootstrapServers", true)]
    [InlineData("Kor:Cluster:Tls", true)]
    [InlineData("Kor:Connections:" + Anything + ":" + Anything, true)]
    [InlineData("Kor:State:Creat", false)]
    [InlineData("Kor:Url:Port", false)]
    [InlineData("Kor:Stat", false)]
    public void A_key_is_a_setting_or_a_group_of_them(string key, bool known) => Assert.Equal(known, IsKnown(key));

    private static void AssertKnown(IEnumerable<(string Place, string Key)> keys, int atLeast)
    {
        var all = keys.ToList();
        Assert.True(all.Count >= atLeast, $"only {all.Count} were found");
        var unknown = all.Where(k => !IsKnown(k.Key)).Select(k => $"{k.Place}: {k.Key}").ToList();
        Assert.True(unknown.Count == 0, string.Join('\n', unknown));
    }

    private static IEnumerable<string> KeysIn(string text) => Key().Matches(text).Select(m => m.Value);

    private static bool IsKnown(string key)
    {
        var type = typeof(KorOptions);
        foreach (var part in key.Split(["__", ":"], StringSplitOptions.None)[1..])
        {
            if (OptionNames.Element(type) is { } element)
            {
                type = element;
                continue;
            }

            // What is put in is one of the names of an object's settings.
            if (part == Anything) return !IsValue(type);
            var property = type.GetProperty(part, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase);
            if (property is null || IsValue(type)) return false;
            type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        }

        return true;
    }

    private static bool IsValue(Type type) => type.IsPrimitive || type.IsEnum || type.Namespace == nameof(System);

    [GeneratedRegex("(?<![A-Za-z_])Kor(?:(?::|__)(?:[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*|\u0003))+")]
    private static partial Regex Key();

    [GeneratedRegex("\u0001[^\u0002]*\u0002")]
    private static partial Regex Hole();
}
