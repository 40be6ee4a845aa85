using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Definition;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>
/// Nodes of a test file as JSON: unquoted numbers, true, false and null are what they look like, and numbers keep their digits; everything
/// else is text.
/// </summary>
internal static partial class NodeJson
{
    private static readonly JsonWriterOptions Options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] ToUtf8(TextNode node)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Options)) Write(writer, node);
        return stream.ToArray();
    }

    public static string ToText(TextNode node) => Encoding.UTF8.GetString(ToUtf8(node));

    private static void Write(Utf8JsonWriter writer, TextNode node)
    {
        switch (node)
        {
            case MapNode map:
                writer.WriteStartObject();
                foreach (var entry in map.Entries)
                {
                    writer.WritePropertyName(entry.Key.Raw);
                    Write(writer, entry.Value);
                }

                writer.WriteEndObject();
                break;
            case ListNode list:
                writer.WriteStartArray();
                foreach (var item in list.Items) Write(writer, item);
                writer.WriteEndArray();
                break;
            case ScalarNode { Style: ScalarStyle.Plain } scalar when scalar.IsNull:
                writer.WriteNullValue();
                break;
            case ScalarNode { Style: ScalarStyle.Plain } scalar when scalar.Text is "true" or "false" || Number().IsMatch(scalar.Text):
                writer.WriteRawValue(scalar.Text);
                break;
            case ScalarNode scalar:
                writer.WriteStringValue(scalar.Text);
                break;
        }
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
