using System.Collections.Frozen;
using System.Globalization;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// Control state that clusters of earlier versions kept in Orleans' table, as it is when this silo starts. It is only read, once per grain, where the
/// state store has none of this version's.
/// </summary>
internal sealed class FormerControlState
{
    private FrozenDictionary<(string State, string Key), byte[]> _rows = FrozenDictionary<(string, string), byte[]>.Empty;

    /// <summary>Takes rows of such a table.</summary>
    public void Take(IEnumerable<(string GrainType, string Key, byte[] Payload)> rows) =>
        _rows = rows.GroupBy(r => (r.GrainType, r.Key)).ToFrozenDictionary(g => g.Key, g => g.Last().Payload);

    /// <summary>Reads the table, if there is one. Throws <see cref="DatabaseException"/>.</summary>
    public async Task LoadAsync(Database database, string serviceId, CancellationToken cancellation) =>
        Take(await OrleansSchema.ReadGrainStorageAsync(database, serviceId, cancellation));

    /// <summary>The state's bytes, or null.</summary>
    public byte[]? Find(string stateName, GrainId grainId) =>
        _rows.GetValueOrDefault((stateName, KeyOf(grainId)));

    /// <summary>Orleans' provider keeps keys that read as a number by the number, and all others by their text.</summary>
    private static string KeyOf(GrainId grainId) =>
        grainId.TryGetIntegerKey(out var number, out _) ? number.ToString(CultureInfo.InvariantCulture) : grainId.Key.ToString() ?? "";
}
