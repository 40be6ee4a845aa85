using System.Text;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Records.Decoding;
using JsonNode = System.Text.Json.Nodes.JsonNode;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>Values written into a test file, as values of columns.</summary>
internal static class ExpectedValue
{
    /// <summary>Doubles this close (relatively) are equal: their last digits depend on the order of sums.</summary>
    public const double Tolerance = 1e-9;

    /// <summary>Sets a row of a column to a node's value; false when it is none of the column's type.</summary>
    public static bool TryFill(Column column, int row, TextNode node)
    {
        column.EnsureCapacity(row + 1);
        if (node is ScalarNode { IsNull: true })
        {
            column.SetNull(row);
            return true;
        }

        if (node is not ScalarNode && column.Type.Kind != FieldKind.Json) return false;
        var text = node is ScalarNode scalar ? scalar.Text : NodeJson.ToText(node);
        var slot = new FieldSlot(new SourceFieldSpec { Name = "value", Type = column.Type, Path = [] }, 0) { Column = column };
        slot.SetFromText(Encoding.UTF8.GetBytes(text), row, SourceFormatSpec.DefaultMaxDepth);
        return slot.Fault == ValueFault.None;
    }

    /// <summary>True when a node may stand for a value of a type.</summary>
    public static bool Fits(FieldType type, TextNode node) =>
        // Bytes are written as base64 or as the text they are; JSON also as a mapping or a list.
        type.Kind is FieldKind.Bytes && node is ScalarNode || TryFill(Column.Create(type, 1), 0, node);

    /// <summary>True when a value of a column is the one expected.</summary>
    public static bool Matches(FieldType type, TextNode expected, object? actual)
    {
        if (expected is ScalarNode { IsNull: true } || actual is null) return actual is null && expected is ScalarNode { IsNull: true };
        if (actual is byte[] bytes)
        {
            var text = ((ScalarNode)expected).Text;
            return bytes.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(text)) || Convert.ToBase64String(bytes) == text;
        }

        var column = Column.Create(type, 1);
        if (!TryFill(column, 0, expected)) return false;
        return (ColumnText.Value(column, 0), actual) switch
        {
            (double a, double b) => Math.Abs(a - b) <= Tolerance * Math.Max(Math.Abs(a), Math.Abs(b)),
            (string a, string b) when type.Kind == FieldKind.Json => JsonNode.DeepEquals(ForeignJson.Parse(a), ForeignJson.Parse(b)),
            var (a, b) => Equals(a, b),
        };
    }

    /// <summary>The node as messages show it.</summary>
    public static string Show(TextNode node) => node switch
    {
        ScalarNode { IsNull: true } => "NULL",
        ScalarNode scalar => scalar.Text,
        _ => NodeJson.ToText(node),
    };
}
