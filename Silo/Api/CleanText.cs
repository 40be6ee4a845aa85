using System.Collections;
using System.Globalization;
using System.Reflection;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>
/// Keeps control characters out of what requests name: no id has one, PostgreSQL takes no NUL at all, and logs and terminals obey some. A request with one is
/// answered with 400 and the place, before anything is asked with it.
/// </summary>
internal static class CleanText
{
    /// <summary>Texts of several lines, as opposed to ids.</summary>
    private static readonly HashSet<string> Texts = new(StringComparer.OrdinalIgnoreCase) { "text", "test", "expression", "where", "pipelines" };

    /// <summary>Looks at every argument that comes from the request, before the endpoint does.</summary>
    public static EndpointFilterDelegate Filter(EndpointFilterFactoryContext context, EndpointFilterDelegate next)
    {
        var services = context.ApplicationServices.GetService<IServiceProviderIsService>();
        var asked = context.MethodInfo.GetParameters()
            .Select((p, i) => (Index: i, p.Name, p.ParameterType))
            .Where(p => p.ParameterType == typeof(string) || (IsOurs(p.ParameterType) && services?.IsService(p.ParameterType) != true))
            .ToList();
        if (asked.Count == 0) return next;
        return invocation =>
        {
            foreach (var (index, name, _) in asked) Check(name ?? "", invocation.Arguments[index], false);
            return next(invocation);
        };
    }

    /// <summary>Throws for a text with a control character other than a tab and the ends of lines.</summary>
    public static void CheckText(string text, string place) => Check(place, text, true);

    private static void Check(string place, object? value, bool isText)
    {
        switch (value)
        {
            case null:
                return;
            case string text:
                // Names in a path are unescaped once more where keys are read.
                CheckString(place, text, isText || Texts.Contains(Last(place)));
                return;
            case IDictionary entries:
                foreach (DictionaryEntry entry in entries)
                {
                    if (entry.Key is string key) CheckString($"a name in '{place}'", key, false);
                    Check(place, entry.Value, isText || Texts.Contains(Last(place)));
                }

                return;
            case IEnumerable<string> list:
                foreach (var item in list) Check(place, item, isText);
                return;
            case var other when IsOurs(other.GetType()):
                foreach (var property in other.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => IsLookedInto(p)))
                    Check($"{place}.{property.Name}", property.GetValue(other), isText);
                return;
            default:
                return;
        }
    }

    /// <summary>Sample records are data, and numbers are clean.</summary>
    private static bool IsLookedInto(PropertyInfo property) => property.GetIndexParameters().Length == 0
        && (property.PropertyType == typeof(string) || typeof(IDictionary).IsAssignableFrom(property.PropertyType)
            || typeof(IEnumerable<string>).IsAssignableFrom(property.PropertyType)
            || (property.PropertyType.IsGenericType && property.PropertyType.GetGenericTypeDefinition() is var type
                && (type == typeof(IReadOnlyDictionary<,>) || type == typeof(IDictionary<,>))));

    private static void CheckString(string place, string text, bool isText)
    {
        foreach (var c in isText ? text : Uri.UnescapeDataString(text))
        {
            if (!char.IsControl(c) || (isText && c is '\t' or '\r' or '\n')) continue;
            throw new BadHttpRequestException(
                string.Create(CultureInfo.InvariantCulture, $"{Place(place)} has the control character U+{(int)c:X4}; take it out: nothing here is named with one."),
                StatusCodes.Status400BadRequest);
        }
    }

    private static string Place(string place) => place.StartsWith("a name", StringComparison.Ordinal) || place.StartsWith("The ", StringComparison.Ordinal)
        ? char.ToUpperInvariant(place[0]) + place[1..]
        : $"'{place}'";

    private static string Last(string place) => place[(place.LastIndexOf('.') + 1)..];

    private static bool IsOurs(Type type) => type.IsClass && type.Namespace?.StartsWith("KafkaOracleOrleans", StringComparison.Ordinal) == true;
}
