using System.Collections;
using System.Globalization;
using System.Reflection;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// Reads the section <c>Kor</c> into its options, strictly: a key nobody knows and a value that cannot be read are faults, told all at once with what was
/// meant. .NET's own binder drops them, or the whole entry they stand in.
/// </summary>
internal static class KorConfiguration
{
    /// <summary>Sets what the configuration says; returns the faults, each with its key and a remedy and without secrets.</summary>
    public static IReadOnlyList<string> Read(IConfiguration configuration, KorOptions options)
    {
        var faults = new List<string>();
        ReadGroup(configuration.GetSection(KorOptions.Section), options, faults);
        return faults;
    }

    /// <summary>The settings of a group of options.</summary>
    internal static IEnumerable<PropertyInfo> Settings(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(p => p.CanRead && p.GetIndexParameters().Length == 0)
        .OrderBy(p => p.MetadataToken);

    /// <summary>True for a group of settings, as opposed to a single one.</summary>
    internal static bool IsGroup(Type type) =>
        type.IsClass && type != typeof(string) && type.Namespace?.StartsWith("KafkaOracleOrleans", StringComparison.Ordinal) == true;

    /// <summary>The type of the entries of a dictionary by name; null when it is none.</summary>
    internal static Type? EntryOf(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>) ? type.GetGenericArguments()[1] : null;

    private static void ReadGroup(IConfigurationSection section, object target, List<string> faults)
    {
        var settings = Settings(target.GetType()).ToList();
        if (!string.IsNullOrEmpty(section.Value))
            faults.Add($"{section.Path} is a group of settings, not a value; set {section.Path}:{settings[0].Name} and its neighbours.");
        foreach (var child in section.GetChildren())
        {
            var setting = settings.FirstOrDefault(p => p.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase));
            if (setting is null) faults.Add(Unknown(section.Path, child, settings));
            else ReadSetting(child, setting, target, faults);
        }
    }

    private static void ReadSetting(IConfigurationSection section, PropertyInfo setting, object target, List<string> faults)
    {
        var type = setting.PropertyType;
        if (EntryOf(type) is { } entry) ReadEntries(section, (IDictionary)setting.GetValue(target)!, entry, faults);
        else if (IsGroup(type)) ReadGroup(section, setting.GetValue(target)!, faults);
        else if (type != typeof(string) && type.IsAssignableTo(typeof(IEnumerable))) ReadList(section, setting, target, faults);
        else if (section.GetChildren().FirstOrDefault() is { } below) faults.Add($"{section.Path} is a single value and has nothing below it; take {below.Path} away.");
        else if (section.Value is { } text) ReadValue(section, setting, target, text, faults);
    }

    private static void ReadValue(IConfigurationSection section, PropertyInfo setting, object target, string text, List<string> faults)
    {
        if (TryRead(setting.PropertyType, setting.Name, text, out var value, out var wanted)) setting.SetValue(target, value);
        else faults.Add(Unreadable(section, setting.Name, text, wanted!));
    }

    private static void ReadEntries(IConfigurationSection section, IDictionary entries, Type entry, List<string> faults)
    {
        if (!string.IsNullOrEmpty(section.Value)) faults.Add($"{section.Path} has entries by name; set {section.Path}:NAME{(entry == typeof(string) ? "" : ":...")}.");
        foreach (var child in section.GetChildren())
        {
            if (entry == typeof(string))
            {
                entries[NameOf(section, child)] = child.Value ?? "";
                continue;
            }

            var value = entries[child.Key] ?? Activator.CreateInstance(entry)!;
            entries[child.Key] = value;
            ReadGroup(child, value, faults);
        }
    }

    /// <summary>Settings of librdkafka have dots, which stay; nothing else is below an entry.</summary>
    private static string NameOf(IConfigurationSection section, IConfigurationSection child) => child.Path[(section.Path.Length + 1)..];

    private static void ReadList(IConfigurationSection section, PropertyInfo setting, object target, List<string> faults)
    {
        if (!string.IsNullOrEmpty(section.Value))
        {
            faults.Add($"{section.Path} is a list; set {section.Path}:0, {section.Path}:1 and so on (environment: {Variable(section.Path)}__0).");
            return;
        }

        string[] items = [.. ((IEnumerable<string>?)setting.GetValue(target)) ?? [], .. section.GetChildren().Select(c => c.Value ?? "")];
        setting.SetValue(target, setting.PropertyType == typeof(string[]) ? items : items.ToList());
    }

    private static bool TryRead(Type type, string name, string text, out object? value, out string? wanted)
    {
        var inner = Nullable.GetUnderlyingType(type);
        (value, wanted) = (null, null);
        if (inner is not null && text.Length == 0) return true;
        type = inner ?? type;
        if (type == typeof(string)) value = text;
        else if (type == typeof(bool)) (value, wanted) = (bool.TryParse(text, out var flag) ? (object)flag : null, "true or false");
        else if (type == typeof(TimeSpan)) (value, wanted) = (Span(text), Spans(text));
        else if (type.IsEnum) (value, wanted) = (Enum.GetNames(type).Any(n => n.Equals(text, StringComparison.OrdinalIgnoreCase)) ? Enum.Parse(type, text, true) : null, Names(type, text));
        else (value, wanted) = (Fit(type, Number(name, text)), IsSize(name) ? "a number of bytes, such as 1048576 or 1MiB" : "a whole number");
        return value is not null;
    }

    private static bool IsSize(string name) => name.EndsWith("Bytes", StringComparison.Ordinal);

    private static long? Number(string name, string text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        return IsSize(name) && ByteSizes.TryParse(text, out number) ? number : null;
    }

    private static object? Fit(Type type, long? number) => number switch
    {
        { } wide when type == typeof(long) => wide,
        >= int.MinValue and <= int.MaxValue when type == typeof(int) => (int)number,
        _ => null,
    };

    /// <summary>As in pipelines (10s, 5m, 1h30m) or as .NET writes it (00:00:10). A bare number is neither: .NET takes it for days.</summary>
    private static TimeSpan? Span(string text)
    {
        if (Durations.TryParse(text, out var ms)) return TimeSpan.FromMilliseconds(ms);
        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) ? span : null;
    }

    private static string Spans(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _)
        ? $"a span of time with its unit, such as {text}s or {text}m"
        : "a span of time, such as 500ms, 10s, 5m, 1h30m or 00:00:10";

    private static string Names(Type type, string text)
    {
        var names = Enum.GetNames(type);
        var near = Suggestions.Nearest(text, names);
        return $"one of {string.Join(", ", names)}{(near is null ? "" : $"; did you mean {near}?")}";
    }

    private static string Unreadable(IConfigurationSection section, string name, string text, string wanted) =>
        $"{section.Path} is {(text.Length == 0 ? "empty" : IsSecret(name) ? "not readable" : $"'{Shown(text)}'")}; it must be {wanted}{(wanted.EndsWith('?') ? "" : ".")}";

    /// <summary>What was given, short enough for a line, without control characters.</summary>
    private static string Shown(string text)
    {
        var shown = new string([.. text.Take(60).Select(c => char.IsControl(c) ? ' ' : c)]);
        return text.Length > 60 ? shown + "..." : shown;
    }

    private static string Unknown(string path, IConfigurationSection child, List<PropertyInfo> settings)
    {
        // The value is not told: it may be a secret under a misspelt key.
        var near = Suggestions.Nearest(child.Key, settings.Select(p => p.Name));
        var meant = near is not null ? $"{path}:{near}" : Elsewhere(typeof(KorOptions), KorOptions.Section, child.Key);
        return meant is not null
            ? $"{child.Path} is no setting. Did you mean {meant} (environment: {Variable(meant)})?"
            : $"{child.Path} is no setting; {path} has {string.Join(", ", settings.Select(p => p.Name))}. Take it away, or name one of these.";
    }

    /// <summary>A setting of that name in another group.</summary>
    private static string? Elsewhere(Type type, string path, string name)
    {
        foreach (var setting in Settings(type))
        {
            if (setting.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) return $"{path}:{setting.Name}";
            var entry = EntryOf(setting.PropertyType);
            var below = entry ?? setting.PropertyType;
            if (IsGroup(below) && Elsewhere(below, $"{path}:{setting.Name}{(entry is null ? "" : ":NAME")}", name) is { } found) return found;
        }

        return null;
    }

    /// <summary>The environment variable of a key.</summary>
    internal static string Variable(string path) => path.Replace(":", "__", StringComparison.Ordinal);

    /// <summary>True for settings whose value is nobody's business.</summary>
    internal static bool IsSecret(string name) =>
        (name.Contains("password", StringComparison.OrdinalIgnoreCase) || name.Contains("secret", StringComparison.OrdinalIgnoreCase)
            || name.Contains("token", StringComparison.OrdinalIgnoreCase) || name.EndsWith("hash", StringComparison.OrdinalIgnoreCase))
        && !name.EndsWith("File", StringComparison.Ordinal) && !name.StartsWith("Allow", StringComparison.Ordinal);
}
