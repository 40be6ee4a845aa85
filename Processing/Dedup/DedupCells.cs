using System.Globalization;

namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>
/// How the ids of a partition are spread over cells, and what the cells are called in the store. Cells are chosen by the id (a fixed number of
/// buckets; the same id always meets the same cell), or by the message key where the author says that an id always comes with its key.
/// <para>
/// Names tell the kind: <c>i8-3</c> is bucket 3 of 8 by id; hexadecimal digits are a cell by message key, as version 0.1 named all of its cells.
/// </para>
/// </summary>
/// <param name="ByMessageKey">True: by the message key.</param>
/// <param name="Groups">The number of cells; 0, by message key only: a cell for each key.</param>
public readonly record struct DedupCells(bool ByMessageKey, int Groups)
{
    private const char IdMark = 'i';

    /// <summary>The number of cells by id when a step does not say: every batch calls each of them, and each works on its own.</summary>
    public const int DefaultGroups = 8;

    /// <summary>
    /// With a cell for each message key, ids without one go into so many cells by the id: a cell for each of them would be as many as there are records.
    /// </summary>
    public const int KeylessCells = 64;

    /// <summary>The hash of an id that came without a message key, where others are spread by theirs.</summary>
    public ulong KeylessHash(UInt128 id) => Groups == 0 ? HashOf(id) % KeylessCells : (ulong)id;

    /// <summary>A hash of <see cref="KeylessHash"/>, with a cell for each message key. One key in 2^58 is taken for none, which does no harm.</summary>
    public bool IsKeyless(ulong hash) => ByMessageKey && Groups == 0 && hash < KeylessCells;

    /// <summary>The cell of a row, by the hash of its id or of its message key.</summary>
    public ulong RouteOf(ulong hash) => Groups == 0 ? hash : hash % (uint)Groups;

    /// <summary>The cell's name.</summary>
    public string NameOf(ulong route) => ByMessageKey
        ? string.Create(CultureInfo.InvariantCulture, $"{route:x}")
        : string.Create(CultureInfo.InvariantCulture, $"{IdMark}{Groups}-{route}");

    /// <summary>False when a name is of another number or kind of cells.</summary>
    public bool TryRoute(string name, out ulong route)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (ByMessageKey)
        {
            return ulong.TryParse(name, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out route)
                && (Groups == 0 || route < (uint)Groups);
        }

        route = 0;
        var dash = name.IndexOf('-', StringComparison.Ordinal);
        return dash > 1 && name[0] == IdMark
            && int.TryParse(name.AsSpan(1, dash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var groups) && groups == Groups
            && ulong.TryParse(name.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out route) && route < (uint)Groups;
    }

    /// <summary>The hash by which an id chooses its cell: bits that the cell's own index does not go by.</summary>
    public static ulong HashOf(UInt128 id) => (ulong)(id >> 64) >> 20;
}
