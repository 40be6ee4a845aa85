using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Silo.Diagnosis;

/// <summary>What commands print.</summary>
internal static class DiagnosisText
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
    };

    public static string Json<T>(T value) => JsonSerializer.Serialize(value, Options);

    public static string Of(OracleReport report) => OracleReportText.Of(report);
}
