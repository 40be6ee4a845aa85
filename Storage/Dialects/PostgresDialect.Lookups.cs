using System.Data.Common;
using System.Globalization;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>Lookups and reading of values.</content>
internal sealed partial class PostgresDialect
{
    public override string Place(int index) => string.Create(CultureInfo.InvariantCulture, $"${index + 1}");

    public override string LookupText(LookupTable table, int keys)
    {
        var arrays = string.Join(", ", table.Keys.Select((k, i) => string.Create(
            CultureInfo.InvariantCulture, $"${i + 1}::{ArrayType(ColumnBinds.TypeOf(k.Type))}[]")));
        var names = string.Join(", ", table.Keys.Select((_, i) => $"c{i}"));
        var matches = string.Join(" AND ", table.Keys.Select((k, i) => $"t.{k.Quoted} = u.c{i}"));
        var values = string.Concat(table.Values.Select(v => $", t.{v.Quoted}"));
        return $"SELECT u.place{values} FROM unnest({arrays}) WITH ORDINALITY AS u({names}, place) "
            + $"JOIN {table.Quoted} t ON {matches}";
    }

    public override async Task LookupAsync(
        DbSession session, LookupTable table, RowBlock keys, int[] rows, Action<int, DbDataReader, int> take,
        CancellationToken cancellation)
    {
        await using var command = session.Command(LookupText(table, rows.Length));
        for (var i = 0; i < table.Keys.Length; i++)
        {
            var binds = new ColumnBinds(keys.Columns[i], ColumnBinds.TypeOf(table.Keys[i].Type));
            command.Parameters.Add(ArrayOf(binds, rows));
        }

        await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
            take(rows[checked((int)reader.GetInt64(0) - 1)], reader, 1);
    }
}
