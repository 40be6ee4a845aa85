namespace KafkaOracleOrleans.WebConsole.Data;

/// <summary>What a check of a connection found.</summary>
public sealed record FindingView
{
    public string? Status { get; init; }
    public string? Subject { get; init; }
    public string? Check { get; init; }
    public string? Text { get; init; }
    public string? Remedy { get; init; }
}
