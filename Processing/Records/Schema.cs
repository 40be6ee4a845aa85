namespace KafkaOracleOrleans.Processing.Records;

/// <summary>
/// A named, typed field. <paramref name="Nullable"/> is what is known statically; it is a promise only when false.
/// </summary>
public sealed record Field(string Name, FieldType Type, bool Nullable = true);

/// <summary>An ordered set of fields with distinct names (case-sensitive).</summary>
public sealed class Schema
{
    private readonly Dictionary<string, int> _index;

    /// <summary>Makes a schema. Throws <see cref="ArgumentException"/> when two fields share a name.</summary>
    public Schema(params IReadOnlyList<Field> fields)
    {
        Fields = [.. fields];
        _index = new Dictionary<string, int>(Fields.Count, StringComparer.Ordinal);
        for (var i = 0; i < Fields.Count; i++)
        {
            if (!_index.TryAdd(Fields[i].Name, i))
                throw new ArgumentException($"Field '{Fields[i].Name}' is declared twice.", nameof(fields));
        }
    }

    /// <summary>The empty schema.</summary>
    public static Schema Empty { get; } = new();

    /// <summary>The fields in order; a field's place is its column's place in a <see cref="RowBlock"/>.</summary>
    public IReadOnlyList<Field> Fields { get; }

    /// <summary>The number of fields.</summary>
    public int Count => Fields.Count;

    /// <summary>The field at a place.</summary>
    public Field this[int index] => Fields[index];

    /// <summary>The place of a field, or -1.</summary>
    public int IndexOf(string name) => _index.TryGetValue(name, out var index) ? index : -1;
}
