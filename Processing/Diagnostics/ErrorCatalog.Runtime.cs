namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <content>KOR5xxx and above: running pipelines.</content>
public static partial class ErrorCatalog
{
    private static ErrorInfo[] RuntimeErrors() =>
    [
    ];
}
