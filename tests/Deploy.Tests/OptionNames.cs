using System.Reflection;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>Whether an environment variable is a setting of the host. The binder ignores what it does not know, so a typo would go unseen.</summary>
internal static class OptionNames
{
    public static bool IsKnown(string variable)
    {
        var parts = variable.Split("__");
        if (parts is not [KorOptions.Section, ..]) return false;
        var type = typeof(KorOptions);
        foreach (var part in parts[1..])
        {
            if (Element(type) is { } element)
            {
                type = element;
                continue;
            }

            var property = type.GetProperty(part, BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase);
            if (property is null) return false;
            type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        }

        return type.IsPrimitive || type.IsEnum || type == typeof(string) || type == typeof(TimeSpan) || type == typeof(Uri);
    }

    /// <summary>The type of what a dictionary or list of settings holds; null for anything else.</summary>
    internal static Type? Element(Type type) => type.GetInterfaces().Append(type)
        .Where(t => t.IsGenericType)
        .Select(t => t.GetGenericTypeDefinition() == typeof(IDictionary<,>) ? t.GetGenericArguments()[1]
            : t.GetGenericTypeDefinition() == typeof(IList<>) ? t.GetGenericArguments()[0] : null)
        .FirstOrDefault(t => t is not null);
}
