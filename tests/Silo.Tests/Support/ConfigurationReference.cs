using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Tests.Support;

/// <summary>The reference of all settings, from the options themselves: names, defaults, and what the code says about them.</summary>
internal static partial class ConfigurationReference
{
    private static readonly Dictionary<Assembly, XDocument> Documents = [];

    public static string Write()
    {
        var text = new StringBuilder();
        Section(text, "Kor", typeof(KorOptions), new KorOptions());
        return text.ToString();
    }

    private static void Section(StringBuilder text, string path, Type type, object defaults)
    {
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanRead && p.GetIndexParameters().Length == 0)
            .OrderBy(p => p.MetadataToken).ToList();
        var leaves = properties.Where(p => Inner(p.PropertyType) is null).ToList();
        if (leaves.Count != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n### `{path}`\n\n");
            if (path != "Kor") text.Append(Summary(type)).Append("\n\n");
            text.Append("| setting | meaning | default |\n| --- | --- | --- |\n");
            foreach (var leaf in leaves)
                text.Append(CultureInfo.InvariantCulture, $"| `{path}:{Name(leaf)}` | {Meaning(leaf)} | {Default(leaf.GetValue(defaults))} |\n");
        }

        foreach (var property in properties)
        {
            if (Inner(property.PropertyType) is not { } inner) continue;
            var isNamed = typeof(IDictionary).IsAssignableFrom(property.PropertyType);
            var value = isNamed ? Activator.CreateInstance(inner)! : property.GetValue(defaults)!;
            Section(text, $"{path}:{property.Name}{(isNamed ? ":NAME" : "")}", inner, value);
        }
    }

    /// <summary>The type of the settings below a property; null for a setting.</summary>
    private static Type? Inner(Type type)
    {
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>))
            return type.GetGenericArguments()[1] == typeof(string) ? null : type.GetGenericArguments()[1];
        return type.Namespace?.StartsWith("KafkaOracleOrleans", StringComparison.Ordinal) == true && type.IsClass ? type : null;
    }

    private static string Name(PropertyInfo property) =>
        typeof(IDictionary).IsAssignableFrom(property.PropertyType) ? property.Name + ":KEY" : property.Name;

    private static string Meaning(PropertyInfo property)
    {
        var text = DefaultSentence().Replace(Text(property.DeclaringType!, $"P:{property.DeclaringType!.FullName}.{property.Name}"), "").Trim();
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        return type.IsEnum ? $"{text} One of {string.Join(", ", Enum.GetNames(type).Select(n => $"`{n}`"))}." : text;
    }

    private static string Summary(Type type) => Text(type, "T:" + type.FullName);

    private static string Text(Type type, string member)
    {
        if (!Documents.TryGetValue(type.Assembly, out var document))
            Documents[type.Assembly] = document = XDocument.Load(Path.ChangeExtension(type.Assembly.Location, ".xml"));
        var summary = document.Descendants("member").FirstOrDefault(m => m.Attribute("name")?.Value == member)?.Element("summary")
            ?? throw new InvalidOperationException($"{member} has no summary.");
        var text = string.Concat(summary.Nodes().Select(n => n switch
        {
            XElement { Name.LocalName: "see" } see => "`" + (see.Attribute("cref")?.Value ?? see.Attribute("langword")!.Value).Split('.', ':')[^1] + "`",
            XElement { Name.LocalName: "c" } code => "`" + code.Value + "`",
            XElement element => element.Value,
            _ => n.ToString(),
        }));
        return System.Net.WebUtility.HtmlDecode(Blanks().Replace(text, " ")).Trim().Replace("|", "\\|", StringComparison.Ordinal);
    }

    private static string Default(object? value) => value switch
    {
        null or "" => "",
        TimeSpan { TotalMilliseconds: < 1000 and > 0 } span => string.Create(CultureInfo.InvariantCulture, $"`{span:c}` ({span.TotalMilliseconds} ms)"),
        TimeSpan span => string.Create(CultureInfo.InvariantCulture, $"`{span:c}`"),
        bool flag => flag ? "`true`" : "`false`",
        string text => $"`{text}`",
        IDictionary => "",
        IEnumerable items => string.Join(", ", items.Cast<object>().Select(i => $"`{i}`")),
        IFormattable number => $"`{number.ToString(null, CultureInfo.InvariantCulture)}`",
        _ => $"`{value}`",
    };

    [GeneratedRegex(@"\s*(;|,)?\s*[Dd]efault(:| )[^;.]*(\.\d[^;.]*)*(?=[.;]|$)")]
    private static partial Regex DefaultSentence();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
