using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>A column of a lookup as the database keeps its name.</summary>
internal sealed record LookupColumn(string Name, FieldType Type)
{
    /// <summary>PostgreSQL's name of a column that pads texts with blanks, which do not count in it: CHAR(n).</summary>
    public const string Padded = "bpchar";

    public string Quoted => Identifiers.Quote(Name);

    /// <summary>The type, as SQL names it, to which a key has to be converted to be compared with the column; null: none.</summary>
    public string? CastTo { get; init; }
}

/// <summary>A lookup's table.</summary>
internal sealed record LookupTable(TableName Name, LookupColumn[] Keys, LookupColumn[] Values)
{
    public string Quoted => Identifiers.Quote(Name);
}
