namespace KafkaOracleOrleans.Client.Cli.Output;

/// <summary>How data is written.</summary>
internal enum OutputFormat
{
    /// <summary>For people: tables and text.</summary>
    Table,

    /// <summary>One JSON value; of the server's answers exactly its text.</summary>
    Json,

    /// <summary>One JSON value per line: the elements when the data is a list.</summary>
    Jsonl,

    Yaml,
}
