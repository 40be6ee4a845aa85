namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>The references of a pipeline's parts by key: making one anew looks its type's attributes up each time, and parts are asked every few seconds.</summary>
internal sealed class PartGrains(IGrainFactory grains)
{
    private readonly Dictionary<(Type Kind, string Key), IAddressable> _known = [];

    /// <summary>The reference of a part.</summary>
    public T Get<T>(string key) where T : IGrainWithStringKey
    {
        if (_known.TryGetValue((typeof(T), key), out var known)) return (T)known;
        var made = grains.GetGrain<T>(key);
        _known[(typeof(T), key)] = made;
        return made;
    }
}
