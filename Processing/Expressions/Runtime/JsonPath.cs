using System.Globalization;
using System.Text;
using System.Text.Json;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>A path into JSON text: <c>$.customer.addresses[0].city</c>, <c>$['odd name']</c>. Made once, walked without a DOM.</summary>
internal sealed class JsonPath
{
    private const int MaxDepth = 64;

    private readonly byte[]?[] _names;
    private readonly int[] _indexes;

    private JsonPath(List<(string? Name, int Index)> steps)
    {
        _names = [.. steps.Select(step => step.Name is null ? null : Encoding.UTF8.GetBytes(step.Name))];
        _indexes = [.. steps.Select(step => step.Index)];
    }

    private static JsonReaderOptions Options => new() { MaxDepth = MaxDepth };

    /// <summary>Reads a path, or says what is wrong with it.</summary>
    public static JsonPath? Create(string path, out string? error)
    {
        var steps = new List<(string? Name, int Index)>();
        error = null;
        if (path.Length == 0 || path[0] != '$') error = "A path begins with '$'.";
        var at = 1;
        while (error is null && at < path.Length)
        {
            if (steps.Count >= MaxDepth) error = "A path has at most 64 steps.";
            else if (path[at] == '.') error = ReadName(path, ref at, steps);
            else if (path[at] == '[') error = ReadBracket(path, ref at, steps);
            else error = $"'{path[at]}' cannot stand in a path; steps are .name, ['name'] and [0].";
        }
        return error is null ? new JsonPath(steps) : null;
    }

    /// <summary>True for one whole JSON value of at most 64 levels.</summary>
    public static bool IsValid(Utf8Slice text)
    {
        if (text.Length == 0) return false;
        var reader = new Utf8JsonReader(text.Span, Options);
        try
        {
            while (reader.Read())
            {
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The scalar at the path as text; NULL when there is none (also for null, objects, arrays and text that is not JSON).</summary>
    public static Utf8Slice Value(Utf8Slice json, JsonPath path, EvaluationState state)
    {
        var reader = new Utf8JsonReader(json.Span, Options);
        try
        {
            if (path.TryWalk(ref reader))
            {
                switch (reader.TokenType)
                {
                    case JsonTokenType.String:
                        if (!state.TryReserve(reader.ValueSpan.Length, out var room)) return Utf8Slice.Empty;
                        var length = reader.CopyString(room);
                        if (room[..length].IndexOf((byte)0) < 0) return state.Commit(length);
                        break;
                    case JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False:
                        return json.Slice((int)reader.TokenStartIndex, reader.ValueSpan.Length);
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or a lone surrogate in a string: as SQL/JSON's default says, NULL.
            state.GiveNull();
            return Utf8Slice.Empty;
        }
        state.GiveNull();
        return Utf8Slice.Empty;
    }

    /// <summary>The object or array at the path as JSON text; NULL when there is none.</summary>
    public static Utf8Slice Query(Utf8Slice json, JsonPath path, EvaluationState state)
    {
        var reader = new Utf8JsonReader(json.Span, Options);
        try
        {
            if (path.TryWalk(ref reader) && reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                return json.Slice(start, (int)reader.BytesConsumed - start);
            }
        }
        catch (JsonException)
        {
            state.GiveNull();
            return Utf8Slice.Empty;
        }
        state.GiveNull();
        return Utf8Slice.Empty;
    }

    /// <summary>True when there is something at the path, be it null.</summary>
    public static bool Exists(Utf8Slice json, JsonPath path)
    {
        var reader = new Utf8JsonReader(json.Span, Options);
        try
        {
            return path.TryWalk(ref reader);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>How many elements the array at the path has; NULL when there is none.</summary>
    public static long ArrayLength(Utf8Slice json, JsonPath path, EvaluationState state)
    {
        var reader = new Utf8JsonReader(json.Span, Options);
        var count = 0L;
        try
        {
            if (path.TryWalk(ref reader) && reader.TokenType == JsonTokenType.StartArray)
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    reader.Skip();
                    count++;
                }
                return count;
            }
        }
        catch (JsonException)
        {
            state.GiveNull();
            return 0;
        }
        state.GiveNull();
        return 0;
    }

    /// <summary>Leaves the reader at the value. Of repeated properties the last one counts, as when records are decoded.</summary>
    private bool TryWalk(ref Utf8JsonReader reader)
    {
        if (!reader.Read()) return false;
        for (var step = 0; step < _names.Length; step++)
        {
            if (!(_names[step] is { } name ? TryProperty(ref reader, name) : TryElement(ref reader, _indexes[step]))) return false;
        }
        return true;
    }

    private static bool TryProperty(ref Utf8JsonReader reader, byte[] name)
    {
        if (reader.TokenType != JsonTokenType.StartObject) return false;
        var last = reader;
        var found = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var wanted = reader.ValueTextEquals(name);
            reader.Read();
            if (wanted)
            {
                last = reader;
                found = true;
            }
            reader.Skip();
        }
        reader = last;
        return found;
    }

    private static bool TryElement(ref Utf8JsonReader reader, int index)
    {
        if (reader.TokenType != JsonTokenType.StartArray) return false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (index-- == 0) return true;
            reader.Skip();
        }
        return false;
    }

    private static string? ReadName(string path, ref int at, List<(string? Name, int Index)> steps)
    {
        var start = ++at;
        while (at < path.Length && path[at] is not ('.' or '[')) at++;
        if (at == start) return "A name is missing after '.'.";
        steps.Add((path[start..at], 0));
        return null;
    }

    private static string? ReadBracket(string path, ref int at, List<(string? Name, int Index)> steps)
    {
        var quoted = at + 1 < path.Length && path[at + 1] is '\'' or '"';
        var end = quoted ? path.IndexOf($"{path[at + 1]}]", Math.Min(at + 2, path.Length), StringComparison.Ordinal) : path.IndexOf(']', at);
        if (end < 0) return "A ']' is missing.";
        if (quoted)
        {
            steps.Add((path[(at + 2)..end], 0));
            at = end + 2;
            return null;
        }
        if (!int.TryParse(path.AsSpan(at + 1, end - at - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return "Between '[' and ']' stands an index such as 0, or a name in quotes.";
        steps.Add((null, index));
        at = end + 1;
        return null;
    }
}
