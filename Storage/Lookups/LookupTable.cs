using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>A column of a lookup as the database keeps its name.</summary>
internal sealed record LookupColumn(string Name, FieldType Type)
{
    public string Quoted => Identifiers.Quote(Name);
}

/// <summary>A lookup's table.</summary>
internal sealed record LookupTable(TableName Name, LookupColumn[] Keys, LookupColumn[] Values)
{
    public string Quoted => Identifiers.Quote(Name);
}
