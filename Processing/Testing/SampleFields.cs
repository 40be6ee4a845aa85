using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Records.Decoding;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>A field that samples have.</summary>
/// <param name="Name">The property's name in the JSON object.</param>
/// <param name="Type">A type that takes every value of the samples.</param>
/// <param name="Pattern">How times are written when they are numbers, such as <c>epoch_ms</c>; null: as the type's default.</param>
/// <param name="Everywhere">True when every sample has it, and not as null.</param>
public sealed record SampleField(string Name, FieldType Type, string? Pattern, bool Everywhere)
{
    /// <summary>Where it stands: the names from the object's top to it.</summary>
    public IReadOnlyList<string> Path { get; init; } = [Name];
}

/// <summary>Guesses fields from JSON objects. What is guessed takes every sample: what fits no other type is <c>json</c>.</summary>
public static partial class SampleFields
{
    private static readonly (string Pattern, decimal PerSecond)[] Epochs =
        [("epoch_s", 1), ("epoch_ms", 1_000), ("epoch_us", 1_000_000), ("epoch_ns", 1_000_000_000)];

    private const int MaxScale = 10;

    // Deeper objects, and those of which there would be too many fields, stay json.
    private const int MaxDepth = 3;
    private const int MaxNested = 100;

    // 2001-09-09 to 2096-10-02: nine digits of seconds and a number without a unit are told apart from times.
    private const decimal FirstSecond = 1_000_000_000;
    private const decimal LastSecond = 4_000_000_000;

    /// <summary>What is known of a property so far.</summary>
    private sealed class Values
    {
        public int Present { get; set; }
        public bool Booleans { get; set; }
        public bool Texts { get; set; }
        public bool Others { get; set; }

        /// <summary>The values are objects, and nothing else: their properties, in the order they were first seen.</summary>
        public Properties? Inside { get; set; }

        public bool Objects { get; set; }
        public bool Numbers { get; set; }
        public bool Times { get; set; } = true;
        public bool Dates { get; set; } = true;
        public bool Longs { get; set; } = true;
        public bool SomeLongs { get; set; }

        /// <summary>All numbers are what a double shows, and one of them is written with an exponent.</summary>
        public bool Doubles { get; set; } = true;

        public bool Exponents { get; set; }
        public int Whole { get; set; }
        public int Scale { get; set; }
        public decimal Least { get; set; } = decimal.MaxValue;
        public decimal Most { get; set; } = decimal.MinValue;
    }

    /// <summary>The properties of objects of one place.</summary>
    private sealed class Properties
    {
        private readonly List<string> _order = [];
        private readonly Dictionary<string, Values> _known = new(StringComparer.Ordinal);

        public IEnumerable<(string Name, Values Values)> All => _order.Select(n => (n, _known[n]));

        public int Count => _order.Count;

        public void Note(JsonElement item, int depth)
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var property in item.EnumerateObject())
            {
                if (!_known.TryGetValue(property.Name, out var values))
                {
                    _known.Add(property.Name, values = new Values());
                    _order.Add(property.Name);
                }

                if (property.Value.ValueKind == JsonValueKind.Null) continue;
                if (seen.Add(property.Name)) values.Present++;
                SampleFields.Note(values, property.Value, depth);
            }
        }
    }

    /// <summary>The fields of JSON objects, one per line, in the order they were first seen. Lines that are no objects are left out.</summary>
    /// <param name="lines">The objects, UTF-8.</param>
    /// <param name="times">True: dates, and numbers that by name and size are times, are taken for what they are.</param>
    /// <param name="nested">True: what is an object in every sample that has it is taken apart, up to three levels; false: it is json.</param>
    public static IReadOnlyList<SampleField> Infer(IEnumerable<byte[]> lines, bool times, bool nested = false)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var top = new Properties();
        var count = 0;
        foreach (var line in lines)
        {
            using var document = ParseObject(line);
            if (document is null) continue;
            count++;
            top.Note(document.RootElement, 1);
        }

        var fields = new List<SampleField>();
        Collect(fields, top, [], count, everywhere: true, times, nested);
        return fields;
    }

    private static void Collect(List<SampleField> fields, Properties properties, IReadOnlyList<string> above, int count, bool everywhere, bool times, bool nested)
    {
        foreach (var (name, values) in properties.All)
        {
            var apart = nested && values is { Objects: true, Inside: { Count: > 0 } inside, Texts: false, Numbers: false, Booleans: false, Others: false }
                && name.Length != 0 && fields.Count + inside.Count <= MaxNested ? inside : null;
            if (apart is not null)
            {
                Collect(fields, apart, [.. above, name], values.Present, everywhere && values.Present == count, times, nested);
                continue;
            }

            var field = FieldOf(name, values, count, times);
            fields.Add(field with { Path = [.. above, name], Everywhere = field.Everywhere && everywhere });
        }
    }

    private static SampleField FieldOf(string name, Values values, int count, bool times)
    {
        var type = TypeOf(values, times);
        var pattern = times && type == FieldType.Integer && TimeName().IsMatch(name) ? EpochOf(values) : null;
        return new SampleField(name, pattern is null ? type : FieldType.Timestamp, pattern, values.Present == count);
    }

    private static FieldType TypeOf(Values values, bool times)
    {
        var kinds = (values.Booleans ? 1 : 0) + (values.Texts ? 1 : 0) + (values.Others || values.Objects ? 1 : 0) + (values.Numbers ? 1 : 0);
        if (kinds == 0) return FieldType.String;
        if (kinds > 1 || values.Others || values.Objects) return FieldType.Json;
        if (values.Booleans) return FieldType.Boolean;
        if (values.Numbers) return NumberOf(values);
        if (values.Dates) return times ? FieldType.Date : FieldType.String;
        return values.Times ? FieldType.Timestamp : FieldType.String;
    }

    private static FieldType NumberOf(Values values)
    {
        if (values.Exponents && values.Doubles) return FieldType.Double;
        if (values.Longs) return FieldType.Integer;
        if (values.Scale <= MaxScale && values.Whole + values.Scale <= FieldType.MaxPrecision)
        {
            // With room for what the samples did not show.
            var whole = Math.Max(values.Whole, values.SomeLongs ? 19 : 16);
            return FieldType.Decimal(Math.Min(FieldType.MaxPrecision, whole + values.Scale), values.Scale);
        }

        // Digits that no number here keeps stay as they are written.
        return values.Doubles ? FieldType.Double : FieldType.Json;
    }

    private static string? EpochOf(Values values)
    {
        foreach (var (pattern, unit) in Epochs)
        {
            if (values.Least >= FirstSecond * unit && values.Most <= LastSecond * unit) return pattern;
        }

        return null;
    }

    private static void Note(Values values, JsonElement value, int depth)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.True or JsonValueKind.False:
                values.Booleans = true;
                break;
            case JsonValueKind.Number:
                values.Numbers = true;
                NoteNumber(values, value.GetRawText());
                break;
            case JsonValueKind.String:
                values.Texts = true;
                var text = Encoding.UTF8.GetBytes(TextOf(value));
                var isTime = text.Length >= 10 && TimeText.ParseIso(text, out _) == ValueFault.None;
                values.Times &= isTime;
                values.Dates &= isTime && text.Length == 10;
                break;
            case JsonValueKind.Object:
                values.Objects = true;
                if (depth > MaxDepth) break;
                (values.Inside ??= new Properties()).Note(value, depth + 1);
                break;
            default:
                values.Others = true;
                break;
        }
    }

    /// <summary>A text; half a surrogate pair has none, and nothing takes it.</summary>
    private static string TextOf(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return "";
        }
    }

    private static void NoteNumber(Values values, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (!NumberText.TryScanAll(bytes, out var number))
        {
            values.Longs = values.Doubles = false;
            values.Whole = values.Scale = FieldType.MaxPrecision + 1;
            return;
        }

        values.Exponents |= text.Contains('e', StringComparison.OrdinalIgnoreCase);
        if (NumberText.ToLong(number, bytes, out var integer) == ValueFault.None)
        {
            values.SomeLongs = true;
            values.Least = Math.Min(values.Least, integer);
            values.Most = Math.Max(values.Most, integer);
        }
        else
        {
            values.Longs = false;
        }

        // A double keeps 15 digits whatever they are; more only when they are what it would show itself.
        values.Doubles &= NumberText.ToDouble(number, bytes, out var real) == ValueFault.None && IsKept(text, real);
        var (whole, scale) = DigitsOf(text);
        values.Whole = Math.Max(values.Whole, whole);
        values.Scale = Math.Max(values.Scale, scale);
    }

    private static bool IsKept(string text, double value)
    {
        var (digits, _) = Normal(text);
        return digits.Length <= 15 ? value != 0 || digits.Length == 0 : Normal(value.ToString("R", CultureInfo.InvariantCulture)) == Normal(text);
    }

    /// <summary>
    /// How many digits a number has before and after the point, written without exponent. Zeros at the end count where there are few: they say how the
    /// producer writes money.
    /// </summary>
    private static (int Whole, int Scale) DigitsOf(string text)
    {
        var (digits, place) = Normal(text);
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var written = point < 0 || text.IndexOfAny(['e', 'E']) >= 0 ? 0 : text.Length - point - 1;
        var scale = digits.Length == 0 ? 0 : Math.Max(0, digits.Length - place);
        return (digits.Length == 0 ? 0 : Math.Max(0, place), written <= MaxScale ? Math.Max(written, scale) : scale);
    }

    /// <summary>The digits of a number without zeros at the ends, and how many of them (or zeros more) stand before the point.</summary>
    private static (string Digits, int Place) Normal(string text)
    {
        var e = text.IndexOfAny(['e', 'E']);
        var mantissa = (e < 0 ? text : text[..e]).TrimStart('-');
        var exponent = 0;
        if (e >= 0 && !int.TryParse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)) exponent = 100_000;
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = point < 0 ? mantissa : mantissa[..point];
        var digits = whole + (point < 0 ? "" : mantissa[(point + 1)..]);
        var first = digits.AsSpan().IndexOfAnyExcept('0');
        if (first < 0) return ("", 0);
        var last = digits.AsSpan().LastIndexOfAnyExcept('0');
        return (digits[first..(last + 1)], whole.Length + Math.Clamp(exponent, -100_000, 100_000) - first);
    }

    private static JsonDocument? ParseObject(byte[] line)
    {
        try
        {
            var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
            document.Dispose();
            return null;
        }
        catch (JsonException)
        {
            // The decoder will say what is wrong with it.
            return null;
        }
    }

    [GeneratedRegex("time|date|epoch|(^|[_.-])ts($|[_.-])|(^|[_.-])at($|[_.-])|[a-z](At|Ts)$", RegexOptions.CultureInvariant)]
    private static partial Regex TimeName();
}
