using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Silo.Demo;

/// <summary>Fills the reference table that the sample pipeline looks customers up in, through a sink like any other.</summary>
internal static class DemoCustomers
{
    private const int Customers = 500;
    private static readonly string[] Segments = ["bronze", "silver", "gold"];

    public static async Task CreateAsync(ISinkFactory sinks, CancellationToken cancellation)
    {
        var schema = new Schema(
            new Field("CUSTOMER_ID", FieldType.String, Nullable: false), new Field("SEGMENT", FieldType.String));
        var spec = new SinkSpec(
            "demo", "customers", "dwh", "CUSTOMERS", SinkMode.Upsert, schema, ["CUSTOMER_ID"], RevisionColumn: null, Create: true,
            AddColumns: false);
        await sinks.PrepareAsync(spec, cancellation);
        await using var lane = await sinks.OpenAsync(spec, "demo", cancellation);
        if (lane.Lease.Progress >= Customers) return;
        await lane.WriteAsync(new SinkWrite(Rows(schema), Customers, Deletes: null, Origin: null), cancellation);
    }

    private static RowBlock Rows(Schema schema)
    {
        var rows = new RowBlock(schema, Customers) { Count = Customers };
        for (var i = 0; i < Customers; i++)
        {
            ((BinaryColumn)rows.Columns[0]).Set(i, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"c-{i:D4}")));
            ((BinaryColumn)rows.Columns[1]).Set(i, Encoding.UTF8.GetBytes(Segments[i % Segments.Length]));
        }

        return rows;
    }
}
