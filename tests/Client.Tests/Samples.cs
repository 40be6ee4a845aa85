namespace KafkaOracleOrleans.Client.Tests;

/// <summary>Pipelines the tests write to disk.</summary>
internal static class Samples
{
    public const string Payments = """
        apiVersion: kor/v1
        name: payments
        source:
          kafka: { connection: main, topics: [payments] }
          format: json
          fields:
            id:     { type: string, required: true }
            amount: decimal(10,2)
        steps:
          - { id: keep, type: filter, where: amount > 0 }
        sinks:
          - { id: good, connection: dwh, table: GOOD, create: true, from: keep }
        """;

    public static string Broken => Payments.Replace("amount > 0", "amonut > 0", StringComparison.Ordinal);

    public static string WithVariable => Payments.Replace("table: GOOD", "table: \"${TABLE}\"", StringComparison.Ordinal);
}
