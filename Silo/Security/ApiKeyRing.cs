using System.Security.Cryptography;
using System.Text;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>Who a key belongs to.</summary>
internal sealed record ApiKeyOwner(string Name, string Role);

/// <summary>
/// The API keys, as hashes only. Keys are long random texts, so a plain SHA-256 cannot be turned back; comparing takes the same time for every key.
/// </summary>
internal sealed class ApiKeyRing(KorOptions options, TimeProvider time)
{
    private const string Prefix = "sha256:";
    private const int MinLength = 32;
    private static readonly TimeSpan Recheck = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private IReadOnlyList<(ApiKeyOwner Owner, byte[] Hash)>? _keys;
    private long _checkedAt;

    /// <summary>The owner of a key, or null.</summary>
    public ApiKeyOwner? Find(string key)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        ApiKeyOwner? found = null;
        foreach (var (owner, known) in Keys())
        {
            if (CryptographicOperations.FixedTimeEquals(hash, known)) found = owner;
        }

        return found;
    }

    /// <summary>The owner of the key that has a print, or null: the key is not in the ring any more.</summary>
    public ApiKeyOwner? FindPrint(string print)
    {
        var given = Encoding.UTF8.GetBytes(print);
        ApiKeyOwner? found = null;
        foreach (var (owner, known) in Keys())
        {
            if (CryptographicOperations.FixedTimeEquals(given, Encoding.UTF8.GetBytes(PrintOf(known)))) found = owner;
        }

        return found;
    }

    /// <summary>What tells a key from others and is neither it nor its hash: of a session that lasts longer than a request.</summary>
    public static string PrintOf(string key) => PrintOf(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private static string PrintOf(byte[] hash) => Convert.ToHexStringLower(SHA256.HashData([.. "kor.session"u8, .. hash]));

    /// <summary>A new key and its hash.</summary>
    public static (string Key, string Hash) Create()
    {
        var key = "kor_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        return (key, HashText(key));
    }

    /// <summary>The hash of a key as configuration has it.</summary>
    public static string HashText(string key) => Prefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>What is wrong with a key's options, without any part of the key.</summary>
    public static IEnumerable<string> Validate(string name, ApiKeyOptions key)
    {
        var at = $"Kor:Http:ApiKeys:{name}";
        if (!KorRoles.All.Contains(key.Role, StringComparer.Ordinal))
            yield return $"{at}:Role is '{key.Role}'; it must be {string.Join(", ", KorRoles.All)}.";
        if ((key.Hash is null) == (key.File is null))
            yield return $"{at}: give either Hash or File. 'dotnet run --project Silo -- api-key' makes a key and prints its hash.";
        else if (key.Hash is not null && Parse(key.Hash) is null)
            yield return $"{at}:Hash must be 'sha256:' and 64 hexadecimal digits, as 'dotnet run --project Silo -- api-key' prints it; the key itself does not belong into the configuration.";
        else if (key.File is not null && Read(key.File, out var fault) is null)
            yield return $"{at}:File: {fault}";
    }

    private IReadOnlyList<(ApiKeyOwner Owner, byte[] Hash)> Keys()
    {
        lock (_lock)
        {
            if (_keys is not null && time.GetElapsedTime(_checkedAt) < Recheck) return _keys;
            _checkedAt = time.GetTimestamp();
            return _keys = [.. options.Http.ApiKeys
                .Select(k => (Owner: new ApiKeyOwner(k.Key, k.Value.Role), Hash: HashOf(k.Value)))
                .Where(k => k.Hash is not null)
                .Select(k => (k.Owner, k.Hash!))];
        }
    }

    private static byte[]? HashOf(ApiKeyOptions key)
    {
        if (key.Hash is not null) return Parse(key.Hash);
        // By content: a mounted secret is a link to a link whose target is exchanged, and the time of none of them need change. A file that is gone or
        // being written leaves nobody in; the others' keys go on working.
        return Read(key.File!, out _);
    }

    private static byte[]? Read(string file, out string fault)
    {
        try
        {
            var text = File.ReadAllText(file).Trim();
            fault = $"{file} holds fewer than {MinLength} characters; 'dotnet run --project Silo -- api-key' makes a good key.";
            if (text.StartsWith(Prefix, StringComparison.Ordinal)) return Parse(text);
            return text.Length < MinLength ? null : SHA256.HashData(Encoding.UTF8.GetBytes(text));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = $"{file} cannot be read ({e.GetType().Name}).";
            return null;
        }
    }

    private static byte[]? Parse(string text)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal) || text.Length != Prefix.Length + 64) return null;
        try
        {
            return Convert.FromHexString(text.AsSpan(Prefix.Length));
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
