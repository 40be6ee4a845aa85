using System.Globalization;
using System.Text;
using System.Text.Json;

namespace KafkaOracleOrleans.Client.Cli.Output;

/// <summary>Writes JSON values as YAML. Texts that a YAML reader could take for something else are quoted.</summary>
internal static class YamlText
{
    public static string Of(JsonElement value)
    {
        var text = new StringBuilder();
        Write(text, value, 0, inline: false);
        return text.ToString();
    }

    private static void Write(StringBuilder text, JsonElement value, int indent, bool inline)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object when value.EnumerateObject().Any():
                WriteObject(text, value, indent, inline);
                break;
            case JsonValueKind.Array when value.GetArrayLength() > 0:
                WriteArray(text, value, indent, inline);
                break;
            default:
                text.Append(Scalar(value)).Append('\n');
                break;
        }
    }

    private static void WriteObject(StringBuilder text, JsonElement value, int indent, bool inline)
    {
        foreach (var property in value.EnumerateObject())
        {
            if (!inline) text.Append(' ', indent);
            inline = false;
            text.Append(Text(property.Name)).Append(':');
            Nested(text, property.Value, indent + 2);
        }
    }

    private static void WriteArray(StringBuilder text, JsonElement value, int indent, bool inline)
    {
        foreach (var item in value.EnumerateArray())
        {
            if (!inline) text.Append(' ', indent);
            inline = false;
            text.Append("- ");
            Write(text, item, indent + 2, inline: true);
        }
    }

    private static void Nested(StringBuilder text, JsonElement value, int indent)
    {
        var block = value.ValueKind switch
        {
            JsonValueKind.Object => value.EnumerateObject().Any(),
            JsonValueKind.Array => value.GetArrayLength() > 0,
            _ => false,
        };
        text.Append(block ? '\n' : ' ');
        Write(text, value, indent, inline: false);
    }

    private static string Scalar(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{}",
        JsonValueKind.Array => "[]",
        JsonValueKind.String => Text(value.GetString()!),
        _ => value.GetRawText(),
    };

    private static string Text(string text)
    {
        var plain = text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] is '_' or '/')
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/' or '$')
            && text.ToLower(CultureInfo.InvariantCulture) is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off" or "y" or "n");
        return plain ? text : JsonSerializer.Serialize(text, JsonText.Compact);
    }
}
